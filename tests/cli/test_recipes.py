"""`threed recipes`, and `threed derive` by a stored recipe."""

from __future__ import annotations

import json

import pytest

from threed import errors as served
from threed import ids

HALF = {"steps": [{"weld": {}}, {"simplify": {"ratio": 0.5}}], "exportFormats": ["EXPORT_GLB"]}
ASSET = ids.write("asset", ids.uuid7())


@pytest.fixture
def half(tmp_path):
    path = tmp_path / "half.json"
    path.write_text(json.dumps(HALF))
    return path


@pytest.fixture
def saved(threed, server, half) -> str:
    """The id of a recipe that was saved."""
    threed("recipes", "save", half, "--name", "half", "--tag", "shop")
    return next(iter(server.recipes))


def test_a_file_is_saved_and_listed(threed, server, half):
    assert threed("recipes", "list")[:2] == (0, "No recipes.\n")
    code, out, err = threed("recipes", "save", half, "--name", "half", "--tag", "shop")
    ((recipe_id, (saved,)),) = server.recipes.items()
    assert (code, out, err) == (0, f"{recipe_id}  half  revision 1  weld, simplify\n", "")
    assert list(saved.tags) == ["shop"] and server.called("CreateSavedRecipe")[0].request_id
    _, listed, _ = threed("recipes", "list", "--filter", "tags:shop", "--order-by", "display_name", "--limit", 7)
    head, row = listed.splitlines()
    assert head.split() == ["ID", "NAME", "REVISION", "STEPS", "CHANGED"]
    assert row.split() == [recipe_id, "half", "1", "weld,", "simplify", "-"]
    (request,) = server.called("ListSavedRecipes")[1:]
    assert (request.filter, request.order_by, request.page_size) == ("tags:shop", "display_name", 7)


def test_a_shown_recipe_can_be_saved_again(threed, server, saved, tmp_path):
    code, out, _ = threed("recipes", "show", saved)
    about, brace, recipe = out.partition("{")
    assert code == 0 and "half" in about and "shop" in about
    again = tmp_path / "again.json"
    again.write_text(brace + recipe)
    threed("recipes", "save", again)
    first, second = (revisions[0] for revisions in server.recipes.values())
    assert second.recipe == first.recipe


def test_a_file_can_be_the_next_revision(threed, server, saved, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"steps": [{"unweld": {}}]}')
    code, out, _ = threed("recipes", "save", other, "--id", saved)
    assert (code, out) == (0, f"{saved}  half  revision 2  unweld\n")
    (request,) = server.called("UpdateSavedRecipe")
    assert list(request.update_mask.paths) == ["recipe"], "its name and tags stay"
    assert "unweld" in threed("recipes", "show", saved)[1]
    assert "simplify" in threed("recipes", "show", saved, "--revision", 1)[1]


def test_recipes_as_json_are_a_line_each(threed, server, saved, half):
    for words in (["list"], ["show", saved], ["save", half, "--id", saved]):
        (line,) = threed("recipes", *words, "--json")[1].splitlines()
        assert json.loads(line)["recipeId"] == saved


def test_a_recipe_is_deleted(threed, server, saved):
    assert threed("recipes", "delete", saved)[:2] == (0, f"{saved}  deleted\n")
    assert server.recipes == {}
    code, _, err = threed("recipes", "delete", saved)
    assert code == 1 and "(NOT_FOUND)" in err


def test_a_file_that_is_no_recipe_is_refused_before_anything_is_sent(threed, server, tmp_path):
    path = tmp_path / "list.json"
    for text in ("[]", "{", '{"steps": 5}'):
        path.write_text(text)
        for words in (["recipes", "save", path], ["derive", ASSET, "--recipe", path]):
            code, _, err = threed(*words)
            assert code == 1 and "list.json is no recipe" in err
    assert threed("recipes", "save", tmp_path / "gone.json")[0] == 1
    assert server.calls == []


def test_what_the_server_refuses_is_told(threed, server, half):
    server.faults["CreateSavedRecipe"] = [served.RecipeInvalid("meshopt must be the last step.")]
    code, out, err = threed("recipes", "save", half)
    assert (code, out) == (1, "")
    assert "meshopt must be the last step. (RECIPE_INVALID)" in err


def test_a_name_cannot_move_the_cursor(threed, server, saved):
    for recipe in server.recipes[saved]:
        recipe.display_name = "evil\x1b[2J\u202e\r\n"
        recipe.recipe.steps.add().trim.animations.append("evil\x1b[2J\u202e")
    for words in (["list"], ["show", saved]):
        _, out, _ = threed("recipes", *words)
        assert not {"\x1b", "\r", "\u202e"} & set(out)


def test_an_action_is_needed(threed):
    code, _, err = threed("recipes")
    assert code == 2 and "ACTION" in err


def test_a_stored_recipe_is_carried_out_by_its_id(threed, server, saved):
    code, out, _ = threed("derive", ASSET, "--recipe", saved, "--plan")
    assert (code, json.loads(out)["steps"]) == (0, HALF["steps"])
    threed("derive", ASSET, "--recipe", saved, "--revision", 1, "--plan")
    asked = [request.derivative for request in server.called("CreateDerivative")]
    assert [(each.recipe_id, each.recipe_revision, each.HasField("recipe")) for each in asked] == [
        (saved, 0, False),
        (saved, 1, False),
    ]


def test_a_file_is_still_carried_out(threed, server, half):
    code, out, _ = threed("derive", ASSET, "--recipe", half, "--to", "stl", "--plan")
    assert (code, json.loads(out)["exportFormats"]) == (0, ["EXPORT_STL"])


def test_a_plan_is_shown_beside_the_recipe(threed, server, half):
    # When nothing is to be made
    code, out, err = threed("derive", ASSET, "--recipe", half, "--plan")
    # Then the recipe can be redirected to a file, and the estimate is readable
    assert (code, json.loads(out)["steps"]) == (0, HALF["steps"])
    assert err.splitlines() == [
        "part        memory   time",
        "reading      36 MB  0.1 s",
        "weld        221 MB   12 s",
        "validating",
        "in all, at most 221 MB of 4.3 GB, about 12 s of one core",
    ]
    # And a program reads both as one line of JSON
    _, out, err = threed("derive", ASSET, "--recipe", half, "--plan", "--json")
    assert (json.loads(out)["plan"]["memoryBytes"], err) == (str(211 << 20), "")


def test_what_does_not_go_with_a_stored_recipe_is_refused(threed, server, half):
    recipe_id = ids.write("recipe", ids.uuid7())
    for words in (["--recipe", recipe_id, "--to", "stl"], ["--recipe", half, "--revision", 1], ["--revision", 1]):
        code, _, err = threed("derive", ASSET, *words)
        assert code == 1 and "stored recipe" in err, words
    assert server.calls == []
