"""How a page is made from a template: the language, the filters, the frame and what every page knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from calling_pipeline.access.people.records import Language
from calling_pipeline.console import shown
from calling_pipeline.console.dagster_links import DagsterLinks
from calling_pipeline.console.static_files import static_files
from calling_pipeline.settings import Settings
from calling_pipeline.texts.catalogue import Catalogue, catalogue


class Renderer:
    """Templates of the console, one environment for each language."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue: Catalogue = catalogue()
        self._environments = {language: self._environment(language) for language in ("zh", "en")}

    def render(self, template: str, language: Language, context: Mapping[str, Any]) -> str:
        """The text of the template. Everything that is put into it is escaped."""
        return self._environments[language].get_template(template).render(context)

    def _environment(self, language: Language) -> Environment:
        made = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

        def text(key: str, **values: Any) -> str:
            return self.catalogue.text(key, language, **values)

        made.filters.update(shown.filters(text))
        made.filters["said"] = lambda sentence: self.catalogue.say(str(sentence), language)
        made.filters["act"] = lambda act: self.catalogue.act(act, language)
        made.globals.update(
            t=text,
            knows=lambda key: key in self.catalogue.keys,
            language=language,
            static=static_files().address,
            dagster=DagsterLinks(self.settings.ui_address, self.settings.centre),
        )
        return made
