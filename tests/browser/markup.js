// Returns a sentence for everything in the HTML of a page that no page may have.
(html) => {
  const document = new DOMParser().parseFromString(html, "text/html");
  const all = (selector) => [...document.querySelectorAll(selector)];
  const start = (element) => element.cloneNode(false).outerHTML.slice(0, 150);
  const found = [];
  const expect = (right, text) => right || found.push(text);

  for (const element of all("script:not([src]), style, [style]")) found.push(`inline: ${start(element)}`);
  for (const element of all("*")) {
    for (const { name, value } of element.attributes) {
      expect(!name.startsWith("on"), `a handler: ${start(element)}`);
      expect(!/^\s*javascript:/i.test(value), `a javascript: address: ${start(element)}`);
    }
  }
  for (const form of all("form[method=post]")) {
    expect(form.querySelectorAll("input[name=csrf_token]").length === 1, `no token in ${start(form)}`);
  }

  const ids = all("[id]").map(({ id }) => id);
  for (const id of ids) expect(ids.indexOf(id) === ids.lastIndexOf(id), `twice: #${id}`);
  for (const name of ["for", "form", "aria-describedby", "aria-labelledby", "aria-controls"]) {
    for (const element of all(`[${name}]`)) {
      for (const id of element.getAttribute(name).split(/\s+/)) {
        expect(ids.includes(id), `${name} leads nowhere: ${start(element)}`);
      }
    }
  }
  for (const link of all("a[href^='#']")) {
    expect(ids.includes(link.hash.slice(1)), `leads nowhere: ${start(link)}`);
  }
  for (const input of all("input:not([type=hidden], [hidden]), select, textarea")) {
    expect(input.labels.length || input.ariaLabel, `no label: ${start(input)}`);
  }

  const levels = all("h1, h2, h3, h4, h5, h6").map(({ localName }) => Number(localName[1]));
  expect(levels.filter((level) => level === 1).length === 1, `headings: ${levels}`);
  levels.forEach((level, place) => expect(level <= (levels[place - 1] ?? 1) + 1, `a level left out: ${levels}`));
  expect(document.documentElement.lang === "en", "no language");
  expect(document.title.endsWith(" – Taskward"), `title: ${document.title}`);
  return found;
}
