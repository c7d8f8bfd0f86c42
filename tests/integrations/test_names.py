import pytest

from services.integrations.githosts.errors import BadReference, TooLarge, UnsafePath
from services.integrations.githosts.names import (
    MAX_FILE,
    MAX_FILES,
    check_branch,
    check_files,
    check_path,
    check_repository,
)


@pytest.mark.parametrize(
    "path",
    ["apps/checkout/wishlist/staging/deployment.yaml", "README.md", "catalog/_x.yaml", ".slipway/a+b@c.yaml"],
)
def test_plain_paths_pass(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.case("G1")
@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/x", "../x", "a/../../b", "a/./b", "a//b", "a/", "a\\..\\b", "%2e%2e/x", "a%2fb", "~1",
        "-rf",
        ".git/config", "a/.GIT/hooks/x", ".Git./x", ".g\u200cit/config", "a\x00b", "a\nb", "a/ｂ", "...",
        "\u202egnp.yaml", "\u0430pps/x", "e\u0301/x", ".gitmodules", "x" * 301,
    ],
)  # fmt: skip
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        check_path(path)


@pytest.mark.case("G3")
@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/x.yml", ".GitHub/x", ".gitlab-ci.yml", ".GITLAB-CI.YML", ".gitlab/x", ".gitea/x",
        "CODEOWNERS", "docs/codeowners", "Makefile", "apps/makefile", "GNUmakefile", "Jenkinsfile",
        ".circleci/config.yml", ".travis.yml", "azure-pipelines.yml", ".gitattributes", "renovate.json",
    ],
)  # fmt: skip
def test_what_a_host_or_a_build_acts_upon_is_never_written(path: str) -> None:
    with pytest.raises(UnsafePath):
        check_path(path)


@pytest.mark.parametrize("name", ["main", "slipway/r-1001", "release-1.2"])
def test_plain_branches_pass(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.case("G4", "G7")
@pytest.mark.parametrize(
    "name",
    [
        "", "HEAD", "@", "@{-1}", "-x", "--upload-pack=x", "refs/heads/main", "a..b", "a;id", "a b", "a~1",
        "a^",
        "a:b", "a.lock", "a.lock/b", "a/", "/a", "a//b", "a.", "\u202emain",
        "m\u0430in", "ma\u200bin", "a" * 40, "x" * 201, "main\n",
    ],
)  # fmt: skip
def test_odd_branches_are_refused(name: str) -> None:
    with pytest.raises(BadReference):
        check_branch(name)


@pytest.mark.case("G6")
@pytest.mark.parametrize(
    "slug", ["org/repo/../../other", "https://evil/org", "../x", "shop", "Shop/Deploy", "a/b\n"]
)
def test_odd_repositories_are_refused(slug: str) -> None:
    with pytest.raises(BadReference):
        check_repository(slug)


def test_sizes_are_limited() -> None:
    check_files({"a": b"x" * MAX_FILE, "b": None})
    with pytest.raises(TooLarge):
        check_files({"a": b"x" * (MAX_FILE + 1)})
    with pytest.raises(TooLarge):
        check_files({f"f{n}": b"" for n in range(MAX_FILES + 1)})
