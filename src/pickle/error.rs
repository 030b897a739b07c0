//! Errors of pickles, and their limits.

use crate::numpy::ArrayError;

/// The most values that a pickle may make: they take some hundred MB.
pub(super) const MAX_VALUES: usize = 4 << 20;

/// The most times that values may be put on the stack or into something, made or made before.
pub(super) const MAX_PUSHES: usize = 4 * MAX_VALUES;

/// The most numbers that all arrays of a pickle may have together.
pub(super) const MAX_NUMBERS: usize = 16 << 20;

/// The most bytes that a pickle may have.
pub(super) const MAX_BYTES: u64 = 1 << 28;

/// The most axes of an array or a tensor.
pub(super) const MAX_AXES: usize = 32;

/// Why a pickle cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum PickleError {
    /// It does not begin as a pickle does.
    #[error("this is not a pickle of protocol 2 to 5")]
    NotPickle,
    /// It ends too early or contradicts itself.
    #[error("byte {offset} of the pickle: {what}; the file is damaged, get it again")]
    Damaged {
        /// Where, in bytes from the start.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// It asks for something to be imported or called.
    #[error("the pickle asks for {0}, and hpflow runs nothing that a pickle asks for")]
    Calls(String),
    /// An instruction that none of these take.
    #[error(
        "byte {offset} of the pickle: instruction 0x{code:02x} is for objects, which hpflow does not make"
    )]
    Instruction {
        /// Where, in bytes from the start.
        offset: u64,
        /// The instruction.
        code: u8,
    },
    /// An array cannot be read.
    #[error("an array of the pickle: {0}")]
    Array(#[from] ArrayError),
    /// More values than anything takes that hpflow reads.
    #[error(
        "the pickle makes more than {MAX_VALUES} values or is longer than {MAX_BYTES} bytes; give \
         another file"
    )]
    TooLarge,
    /// The system cannot read it.
    #[error("it cannot be read: {0}")]
    Unread(String),
}
