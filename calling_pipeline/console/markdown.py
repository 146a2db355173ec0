"""Shows our own Markdown as a part of a page: no HTML of its own and no picture; names of pages lead there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_PAGE = ".md"


def shown_as_page(text: str, *, folder: str, pages: Collection[str]) -> Markup:
    """The Markdown `text` as HTML without its first heading, which a page shows as its own.

    `NAME.md` leads to `folder/NAME`. Code that is the path of one of `pages`, with or without a query, leads there.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])
    tokens = reader.parse(text)
    if tokens and tokens[0].tag == "h1":
        del tokens[:3]
    for token in tokens:
        if token.children:
            token.children = _linked(token.children, folder, pages)
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def heading_of(text: str) -> str:
    """What the first heading of the Markdown `text` says."""
    return text.lstrip().partition("\n")[0].removeprefix("#").strip()


def _linked(tokens: Sequence[Token], folder: str, pages: Collection[str]) -> list[Token]:
    made: list[Token] = []
    within = False
    for token in tokens:
        if token.type == "link_open":
            within = True
            address = str(token.attrGet("href"))
            if "/" not in address and address.endswith(_PAGE):
                token.attrSet("href", f"{folder}/{address.removesuffix(_PAGE)}")
        elif token.type == "link_close":
            within = False
        if token.type == "code_inline" and not within and token.content.partition("?")[0] in pages:
            made += [Token("link_open", "a", 1, {"href": token.content}), token, Token("link_close", "a", -1)]
        else:
            made.append(token)
    return made
