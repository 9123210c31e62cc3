"""Pieces of HTML as strings."""

from html import escape


def element(name, *content, **attributes):
    """An element; the content is HTML already. `class_` stands for "class"."""
    named = "".join(f' {key.rstrip("_")}="{escape(str(value))}"' for key, value in attributes.items() if value)
    return f"<{name}{named}>{''.join(content)}</{name}>"


def text(value):
    return escape(str(value), quote=False)


def table(head, rows, caption="", **attributes):
    """A table that can be scrolled sideways; the cells are HTML already, or `td` elements."""
    heading = element("tr", *(element("th", name, scope="col") for name in head))
    body = "".join(element("tr", *(c if c.startswith("<t") else element("td", c) for c in row)) for row in rows)
    caption = element("caption", caption) if caption else ""
    whole = element("table", caption, element("thead", heading), element("tbody", body), **attributes)
    return element("div", whole, class_="wide")


def section(title, *content):
    return element("section", element("h2", title), *content)


def folded(title, *content, **attributes):
    return element("details", element("summary", title), *content, **attributes)


def code(words, **attributes):
    return element("code", text(words), **attributes)


def level(fraction):
    """The class of the colour of an error, from its share of the bound."""
    if not fraction <= 1:
        return "bad"
    return f"l{sum(fraction > limit for limit in (1e-3, 1e-2, 1e-1, 0.5))}"


def short(number):
    """A number in few letters: 3e-16."""
    return f"{number:.0e}".replace("e-0", "e-").replace("e+0", "e")


LEGEND = element(
    "p",
    "Colour and number: the worst error; the darker, the nearer to its bound. ",
    *(
        element("span", words, class_=f"key {name}")
        for name, words in zip(
            ("l0", "l1", "l2", "l3", "l4", "bad"),
            ("< 1/1000", "< 1/100", "< 1/10", "< 1/2", "within", "✗ beyond"),
            strict=True,
        )
    ),
    class_="legend",
)
