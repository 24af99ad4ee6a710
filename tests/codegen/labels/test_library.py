"""A brand's own label templates and logos."""

from typing import Any

import pytest

from codegen.brands import Brand
from codegen.labels import library
from codegen.labels.built_in import BUILT_IN, LabelTemplateUnknown
from codegen.labels.fitting import SymbolOutside
from codegen.labels.library import LabelNameTaken, LabelTemplateChanged, LabelTemplatesTooMany, LogosTooMany, LogoUnknown
from kit.ids import uuid7
from tests.codegen.conftest import NOW, Inside
from tests.codegen.labels.samples import A4, CAP, changed
from tests.codegen.labels.test_logos import picture

OURS = changed(A4, name="Tea box")


def test_a_template_is_kept_found_changed_and_removed(inside: Inside, tea: Brand, rival: Brand) -> None:
    template_id = uuid7(NOW)
    keeping: dict[str, Any] = {"tenant_id": tea.tenant_id, "template_id": template_id}
    with inside() as session:
        first = library.add(session, OURS, **keeping, now=NOW, actor="alice")
        assert library.add(session, OURS, **keeping, now=NOW, actor="alice") == first
        assert library.find(session, tenant_id=tea.tenant_id, name="Tea box") == OURS
        assert library.names(session, tenant_id=tea.tenant_id) == ["Tea box", *BUILT_IN]
        larger = changed(OURS, name="Large tea box", border=True)
        second = library.change(session, larger, **keeping, revision=first.revision, now=NOW, actor="bob")
        assert (second.template, second.revision, second.changed_by) == (larger, 2, "bob")
        with pytest.raises(LabelTemplateChanged):
            library.change(session, OURS, **keeping, revision=first.revision, now=NOW, actor="alice")
        assert library.listing(session, tenant_id=rival.tenant_id) == []
        library.remove(session, template_id, tenant_id=tea.tenant_id)
        library.remove(session, template_id, tenant_id=tea.tenant_id)
        with pytest.raises(LabelTemplateUnknown):
            library.kept(session, template_id, tenant_id=tea.tenant_id)
        with pytest.raises(LabelTemplateUnknown):
            library.find(session, tenant_id=tea.tenant_id, name="Large tea box")


def test_names_are_taken_once(inside: Inside, tea: Brand) -> None:
    def add(name: str) -> library.KeptTemplate:
        return library.add(
            session, changed(A4, name=name), tenant_id=tea.tenant_id, template_id=uuid7(NOW), now=NOW, actor="alice"
        )

    with inside() as session:
        add("Tea box")
        case = add("Case")
        for taken in ("Tea box", "cap-15"):
            with pytest.raises(LabelNameTaken):
                add(taken)
        with pytest.raises(LabelNameTaken):
            library.change(session, OURS, tenant_id=tea.tenant_id, template_id=case.id, revision=1, now=NOW, actor="alice")
        assert library.kept(session, case.id, tenant_id=tea.tenant_id).template.name == "Case"


def test_what_does_not_fit_is_not_kept(inside: Inside, tea: Brand) -> None:
    wide = changed(CAP, name="Wide", symbol={"x_mm": "3"})
    with inside() as session, pytest.raises(SymbolOutside):
        library.add(session, wide, tenant_id=tea.tenant_id, template_id=uuid7(NOW), now=NOW, actor="alice")


def test_a_logo_is_kept_once_and_belongs_to_its_brand(
    inside: Inside, tea: Brand, rival: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside() as session:
        kept = [library.keep_logo(session, picture(), tenant_id=tea.tenant_id, now=NOW, actor="alice") for _ in range(2)]
        assert kept[0] == kept[1]
        place = {"logo": kept[0].name, "x_mm": "30", "y_mm": "20", "width_mm": "5", "height_mm": "3"}
        template = changed(OURS, logo=place)
        assert library.logo_of(session, template, tenant_id=tea.tenant_id) == kept[0]
        with pytest.raises(LogoUnknown):
            library.logo_of(session, template, tenant_id=rival.tenant_id)
        with pytest.raises(LogoUnknown):
            library.add(
                session,
                changed(template, logo={"logo": "0" * 64}),
                tenant_id=tea.tenant_id,
                template_id=uuid7(NOW),
                now=NOW,
                actor="alice",
            )
        monkeypatch.setattr(library, "LOGOS_MAX", 1)
        with pytest.raises(LogosTooMany):
            library.keep_logo(session, picture(colour=(9, 9, 9)), tenant_id=tea.tenant_id, now=NOW, actor="alice")
        monkeypatch.setattr(library, "TEMPLATES_MAX", 0)
        with pytest.raises(LabelTemplatesTooMany):
            library.add(session, OURS, tenant_id=tea.tenant_id, template_id=uuid7(NOW), now=NOW, actor="alice")
