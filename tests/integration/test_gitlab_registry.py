"""GitLab's own registry, with the sandbox: what `compare` says of the canary without an MLflow."""

from tests.integration.test_action_commands import Terminal, scenario, terminal

__all__ = ["scenario", "terminal"]


def test_the_canary_is_compared_with_what_is_deployed(terminal: Terminal) -> None:
    with terminal.file.open("a") as file:
        file.write(
            "registry = { source = 'gitlab', model = 'ml/fraud:fraud', metrics = { auc = { better = 'higher' } } }\n"
        )
    _, found = terminal.document("compare", "fraud")
    assert found["basis"] == ["by the commit", "by the commit"]
    assert found["deployed"] != found["candidate"]
    by_name = {(each["group"], each["name"]): each for each in found["differences"]}
    assert by_name["metrics", "auc"]["outcome"] in ("OK", "BETTER", "WORSE")
    assert by_name["parameters", "lr"]["deployed"] in ("0.01", "0.05")
    assert {each["standing"] for (group, _), each in by_name.items() if group in ("data", "signature")} == {
        "not known"
    }, "what GitLab does not keep is never the same"
    assert by_name["code", "commit"]["standing"] == "differs"
    job = by_name["origin", "job"]["candidate"]
    assert job.startswith("gitlab:ml/fraud#")
    code, _, errors = terminal("set-champion", "fraud", "--set", "version=1.1.0", "--dry-run")
    assert code == 2
    assert "has no aliases: its champion is what is deployed" in errors
