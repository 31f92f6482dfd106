"""Other names of resources: they mean what there is now."""

from __future__ import annotations

from xds.aliases import Aliases


def test_alias_means_every_name_that_goes_by_it() -> None:
    aliases = Aliases()
    aliases.add("a", ("x", "y"))
    aliases.add("b", ("x",))
    assert aliases.meant(frozenset({"x"}), ()) == {"a", "b"}
    assert aliases.meant(frozenset({"y", "z"}), ()) == {"a", "z"}


def test_alias_that_nothing_goes_by_any_more_is_forgotten() -> None:
    aliases = Aliases()
    aliases.add("a", ("x",))
    aliases.remove("a", ("x",))
    assert not aliases._names
    assert aliases.meant(frozenset({"x"}), ()) == {"x"}


def test_name_of_a_resource_means_itself_even_if_others_go_by_it() -> None:
    aliases = Aliases()
    aliases.add("a", ("b",))
    assert aliases.meant(frozenset({"b"}), {"b"}) == {"b"}


def test_names_without_aliases_are_not_copied() -> None:
    aliases, names = Aliases(), frozenset({"n"})
    aliases.add("a", ("x",))
    assert aliases.meant(names, ()) is names
