// Uses the report as a reader would and writes what does not hold into the page.
(async () => {
  const failures = [];
  const check = (holds, what) => { if (!holds) failures.push(what); };
  const by = (id) => document.getElementById(id);
  const settle = () => new Promise((resolve) => setTimeout(resolve, 400));
  const data = JSON.parse(by("data").textContent);
  const count = () => Number(by("count").textContent.split(" ")[0]);
  const set = (name, value) => {
    const input = by(`filter-${name}`);
    input.value = value;
    input.dispatchEvent(new Event(input.tagName === "INPUT" ? "input" : "change"));
  };
  const press = (key) => by("list").dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const chosen = () => document.querySelector("[aria-selected=true]")?.id;
  const pck = (pair, method) => {
    const marks = pair[9][method];
    return [...marks].filter((mark) => mark === "1").length / marks.length;
  };
  try {
    await settle();
    const pairs = data.pairs.length;
    check(count() === pairs, `${count()} of ${pairs} pairs at first`);

    // Filters show as many pairs as the data have.
    set("category", "1");
    check(count() === data.pairs.filter((pair) => pair[1] === 1).length, "filter by category");
    set("category", "");
    data.factors.forEach((factor, place) => {
      set(factor.name, "0");
      const expected = data.pairs.filter((pair) => pair[4][place] === 0).length;
      check(count() === expected, `filter by ${factor.name}: ${count()} for ${expected}`);
      set(factor.name, "");
    });
    for (const [verdict, holds] of [["all", (p) => p === 1], ["some", (p) => p < 1], ["none", (p) => p === 0]]) {
      for (const method of data.methods.keys()) {
        set("method", String(method));
        set("verdict", verdict);
        const expected = data.pairs.filter((pair) => holds(pck(pair, method))).length;
        check(count() === expected, `${verdict} right of method ${method}: ${count()} for ${expected}`);
      }
    }
    set("verdict", "");
    set("method", "0");
    set("search", data.pairs[3][0]);
    check(count() === 1, `search by name: ${count()}`);
    set("search", "no pair has this name");
    await settle();
    check(count() === 0 && by("views").textContent.includes("No pair"), "nothing found is said");
    press("ArrowDown");
    set("search", "");

    // Orders: the shares of right keypoints of two methods differ most in the first pair.
    set("sort", "differ");
    const first = document.querySelector(".row b").textContent.split(" | ").map(Number);
    const most = Math.max(...data.pairs.map((pair) => Math.abs(pck(pair, 0) - pck(pair, 1))));
    check(Math.abs(Math.abs(first[0] - first[1]) - 100 * most) <= 1.01, `most different: ${first}, ${most}`);
    set("sort", "high");
    await settle();

    // Every method of the chosen pair is drawn, on its photographs.
    const canvases = [...document.querySelectorAll("#views canvas")];
    check(canvases.length === 2 * data.methods.length, `${canvases.length} pictures`);
    for (const canvas of canvases) {
      const { data: pixels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let at = 0; at < pixels.length; at += 4 * 97) colours.add(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]);
      check(colours.size > 20, `a picture of ${colours.size} colours`);
    }

    // The keyboard: everything that can be used can be reached, and the list moves.
    for (const id of ["theme", "list", "filter-category", "filter-search"]) {
      by(id).focus();
      check(document.activeElement === by(id), `${id} takes the focus`);
    }
    by("list").focus();
    press("Home");
    press("ArrowDown");
    check(chosen() === "row-1", `ArrowDown from the first: ${chosen()}`);
    press("End");
    check(chosen() === `row-${pairs - 1}`, `End: ${chosen()}`);
    check(by("list").getAttribute("aria-activedescendant") === `row-${pairs - 1}`, "what is chosen is announced");
    press("PageUp");
    check(chosen() === `row-${Math.max(0, pairs - 11)}`, `PageUp: ${chosen()}`);
    press("Home");
    check(chosen() === "row-0" && by("list").scrollTop === 0, `Home: ${chosen()}`);
    check(document.querySelectorAll(".row").length < 60, "only the rows in sight exist");

    // Light and dark.
    const ground = () => getComputedStyle(document.body).backgroundColor;
    const before = ground();
    by("theme").click();
    check(ground() !== before, "the theme changes");
    by("theme").click();
    check(ground() === before, "and changes back");

    // Nothing is wider than the window, and charts have something in them.
    const wide = document.documentElement.scrollWidth;
    check(wide <= innerWidth, `${wide} px in a window of ${innerWidth}`);
    check(document.querySelectorAll("figure rect").length > 20, "bars are drawn");
    check(!document.querySelector("main").innerText.includes("NaN"), "no NaN is shown");
    await settle();
  } catch (error) {
    failures.push(String(error));
  }
  const said = document.createElement("pre");
  said.id = "self-test";
  said.textContent = JSON.stringify([...failures, ...window.selfTestErrors]);
  document.body.append(said);
})();
