// A Vulkan layer that makes a device fail, so that a software driver takes the paths of a GPU that is
// lost or full. What fails is in HPFLOW_FAULT:
//
//   submit:N    the Nth submission, and everything after it, says that the device is lost
//   wait:N      the same of the Nth wait for one
//   read:N      the same of the Nth look at how far submissions are
//   allocate:N:M  allocations N to M say that the device is out of memory
//
// Counted from 1. The declarations are the few of vulkan_core.h and vk_layer.h that it needs.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t VkResult;
typedef struct VkInstance_T *VkInstance;
typedef struct VkPhysicalDevice_T *VkPhysicalDevice;
typedef struct VkDevice_T *VkDevice;
typedef struct VkQueue_T *VkQueue;
typedef uint64_t VkHandle;
typedef void (*Function)(void);
typedef Function (*GetInstanceProc)(VkInstance, const char *);
typedef Function (*GetDeviceProc)(VkDevice, const char *);

enum { LOST = -4, OUT_OF_DEVICE_MEMORY = -2, FAILED = -3 };
enum { INSTANCE_LINK = 47, DEVICE_LINK = 48 };

typedef struct Link {
    struct Link *next;
    GetInstanceProc get_instance_proc;
    void *get_other_proc; // of physical devices for an instance, of devices for a device
} Link;

typedef struct Info {
    int32_t type;
    const void *next;
    int32_t function; // 0: a link
    Link *link;
} Info;

static GetInstanceProc next_instance_proc;
static GetDeviceProc next_device_proc;
static int lost;

// The next link of the chain, taken out of it.
static Link *take_link(const void *chain, int32_t type) {
    for (Info *info = (Info *)chain; info; info = (Info *)info->next) {
        if (info->type == type && info->function == 0) {
            Link *link = info->link;
            info->link = link->next;
            return link;
        }
    }
    return NULL;
}

// Whether this is a call that is to fail; `what` counts its own calls.
static int fails(const char *what, int *calls) {
    const char *fault = getenv("HPFLOW_FAULT");
    size_t length = strlen(what);
    if (!fault || strncmp(fault, what, length) || fault[length] != ':') {
        return 0;
    }
    int first = 0, last = 0;
    int read = sscanf(fault + length, ":%d:%d", &first, &last);
    ++*calls;
    return read == 2 ? *calls >= first && *calls <= last : *calls >= first;
}

static VkResult create_instance(const void *info, const void *allocator, VkInstance *instance) {
    Link *link = take_link(((const Info *)info)->next, INSTANCE_LINK);
    if (!link) {
        return FAILED;
    }
    next_instance_proc = link->get_instance_proc;
    VkResult (*create)(const void *, const void *, VkInstance *) =
        (void *)next_instance_proc(NULL, "vkCreateInstance");
    return create(info, allocator, instance);
}

static VkResult create_device(
    VkPhysicalDevice physical, const void *info, const void *allocator, VkDevice *device) {
    Link *link = take_link(((const Info *)info)->next, DEVICE_LINK);
    if (!link) {
        return FAILED;
    }
    next_device_proc = (GetDeviceProc)link->get_other_proc;
    VkResult (*create)(VkPhysicalDevice, const void *, const void *, VkDevice *) =
        (void *)link->get_instance_proc(NULL, "vkCreateDevice");
    return create(physical, info, allocator, device);
}

#define NEXT(device, name, ...) ((VkResult(*)(__VA_ARGS__))next_device_proc(device, name))

static VkDevice of_queue; // there is one device at a time

static VkResult submit(VkQueue queue, uint32_t count, const void *submits, VkHandle fence) {
    static int calls;
    if (lost || fails("submit", &calls)) {
        lost = 1;
        return LOST;
    }
    return NEXT(of_queue, "vkQueueSubmit", VkQueue, uint32_t, const void *, VkHandle)(
        queue, count, submits, fence);
}

static VkResult wait_semaphores(VkDevice device, const void *info, uint64_t timeout) {
    static int calls;
    if (lost || fails("wait", &calls)) {
        lost = 1;
        return LOST;
    }
    return NEXT(device, "vkWaitSemaphores", VkDevice, const void *, uint64_t)(device, info, timeout);
}

static VkResult wait_fences(
    VkDevice device, uint32_t count, const VkHandle *fences, uint32_t all, uint64_t timeout) {
    static int calls;
    if (lost || fails("wait", &calls)) {
        lost = 1;
        return LOST;
    }
    return NEXT(device, "vkWaitForFences", VkDevice, uint32_t, const VkHandle *, uint32_t, uint64_t)(
        device, count, fences, all, timeout);
}

static VkResult semaphore_value(VkDevice device, VkHandle semaphore, uint64_t *value) {
    static int calls;
    if (lost || fails("read", &calls)) {
        lost = 1;
        return LOST;
    }
    return NEXT(device, "vkGetSemaphoreCounterValue", VkDevice, VkHandle, uint64_t *)(
        device, semaphore, value);
}

static VkResult allocate(VkDevice device, const void *info, const void *allocator, VkHandle *memory) {
    static int calls;
    if (fails("allocate", &calls)) {
        return OUT_OF_DEVICE_MEMORY;
    }
    return NEXT(device, "vkAllocateMemory", VkDevice, const void *, const void *, VkHandle *)(
        device, info, allocator, memory);
}

Function faults_device_proc(VkDevice device, const char *name);
Function faults_instance_proc(VkInstance instance, const char *name);

static const struct {
    const char *name;
    Function function;
} OWN[] = {
    {"vkGetInstanceProcAddr", (Function)faults_instance_proc},
    {"vkGetDeviceProcAddr", (Function)faults_device_proc},
    {"vkCreateInstance", (Function)create_instance},
    {"vkCreateDevice", (Function)create_device},
    {"vkQueueSubmit", (Function)submit},
    {"vkWaitSemaphores", (Function)wait_semaphores},
    {"vkWaitSemaphoresKHR", (Function)wait_semaphores},
    {"vkWaitForFences", (Function)wait_fences},
    {"vkGetSemaphoreCounterValue", (Function)semaphore_value},
    {"vkGetSemaphoreCounterValueKHR", (Function)semaphore_value},
    {"vkAllocateMemory", (Function)allocate},
};

static Function own(const char *name) {
    for (size_t at = 0; at < sizeof OWN / sizeof *OWN; at++) {
        if (!strcmp(OWN[at].name, name)) {
            return OWN[at].function;
        }
    }
    return NULL;
}

Function faults_device_proc(VkDevice device, const char *name) {
    Function found = own(name);
    of_queue = device;
    return found ? found : next_device_proc(device, name);
}

Function faults_instance_proc(VkInstance instance, const char *name) {
    Function found = own(name);
    return found ? found : next_instance_proc(instance, name);
}
