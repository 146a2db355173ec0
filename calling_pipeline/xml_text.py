"""What XML can hold of a text: drawings and sheets are XML."""

import re

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text with what XML cannot hold replaced; it is not escaped."""
    return _NOT_XML.sub("\ufffd", text)
