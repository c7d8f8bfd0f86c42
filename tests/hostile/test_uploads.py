"""What people upload and paste: a clear report or a field's error, quickly, and nothing left behind."""

import io
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from services.catalog.forms import MAX_UPLOAD
from services.catalog.models import Entity, ImportRun
from services.manifests.emit import load_all
from tests.cases.marking import named
from tests.hostile.world import repository

pytestmark = pytest.mark.django_db
GOOD = b"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: fine}
spec: {type: service, lifecycle: production, owner: checkout}
"""
MB = 1024 * 1024


def archive(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return stream.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system, made.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return made


def lying(size: int) -> bytes:
    """An archive whose member says it is smaller than it is."""
    content = archive(("a.yaml", b"a: 1\n" * 400_000))
    found = content.rindex(b"PK\x01\x02") + 24
    return content[:found] + struct.pack("<I", size) + content[found + 4 :]


def encrypted() -> bytes:
    """An archive that says of its member that it is encrypted."""
    content = archive(("a.yaml", GOOD))
    flags = content.rindex(b"PK\x01\x02") + 8
    return content[:flags] + b"\x01\x00" + content[flags + 2 :]


def bomb() -> bytes:
    """Fifty entries of 5 MB each in a few hundred kilobytes."""
    return archive(*((f"{number}.yaml", b"\0" * 5 * MB) for number in range(20)))


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
FILES: dict[str, tuple[bytes | Callable[[], bytes], str]] = {  # the large ones are made when it is their turn
    "P2 a bomb": (bomb, "larger than"),
    "P2 a lie about its size": (lambda: lying(10), "unpacked"),
    "P2 names that climb": (
        archive(("../../etc/evil.yaml", GOOD), ("/etc/abs.yaml", GOOD), ("a\\..\\b.yaml", GOOD)),
        "",
    ),
    "P2 a symbolic link": (archive((link("passwd.yaml"), b"/etc/passwd"), ("a.yaml", GOOD)), ""),
    "P2 an archive in an archive": (archive(("inner.zip", archive(("a.yaml", GOOD)))), "no YAML or JSON"),
    "P2 a name that is no UTF-8": (archive(("caf\udce9.yaml".encode("utf-8", "replace").decode(), GOOD)), ""),
    "P2 half an archive": (archive(("a.yaml", GOOD))[:-30], "neither YAML"),
    "P2 an encrypted member": (encrypted(), "unpacked"),
    "F4 12 MB": (lambda: b"a: 1\n" * (12 * MB // 5), "larger than 10 MB"),
}
PASTED: dict[str, str] = {
    "T8 a key twice": "kind: Component\nkind: API\n",
    "T10 aliases that multiply": ALIASES,
    "T10 an alias of itself": "a: &a [*a]\n",
    "P5 JSON of great depth": "[" * 5000 + "]" * 5000,
    "P5 JSON with a key twice": '{"kind": "Pod", "\\u006bind": "API"}',
    "T11 depth": "[" * 10_000 + "]" * 10_000,
    "T11 depth in blocks": "".join(f"{' ' * n}a:\n" for n in range(1000)),
    "T11 many keys": "\n".join(f"k{n}: 1" for n in range(60_000)),
    "T11 huge numbers": "a: " + "9" * 100_000,
    "T3 tags": "a: !!python/object/apply:os.system [id]\n",
    "T3 merge": "<<: *nothing\n",
    "not YAML": "a: b: c: {",
    "dates that are none": "a: 2023-99-99\nb: 0001-01-01T25:61:61Z\n",
    "NUL": "a: \x00",
    "an escape of NUL": 'a: "\\0"',
    "half a surrogate": 'a: "\\ud800"',
    "P5 JSON with NaN": '{"a": NaN}',
    "kinds that are lists": "apiVersion: [1]\nkind: {a: 1}\nmetadata: []\nspec: 3\n",
    "names of every type": GOOD.decode().replace("name: fine", "name: [fine]")
    + "---\n"
    + GOOD.decode().replace("owner: checkout", "owner: {a: 1}"),
    "refs that climb": GOOD.decode().replace("owner: checkout", "owner: '../../x:y/z'"),
    "nothing": "# only a comment\n",
}


def upload(client: Any, content: bytes, name: str = "all.zip") -> tuple[Any, float]:
    started = time.thread_time()
    answer = client.post("/catalog/import/?from=upload", {"uploads": SimpleUploadedFile(name, content)})
    return answer, time.thread_time() - started


@pytest.mark.parametrize("case", named(FILES))
def test_uploads_are_reported_or_refused(client, people, case):
    client.force_login(people.mira)
    made, why = FILES[case]
    content = made() if callable(made) else made
    before, runs = Entity.objects.count(), ImportRun.objects.count()
    answer, took = upload(client, content)
    assert took < 2
    assert Entity.objects.count() == before
    if why:
        assert answer.status_code == 422
        assert why in answer.content.decode()
        assert ImportRun.objects.count() == runs
    else:
        assert answer.status_code == 302
        assert client.get(answer.url).status_code == 200


@pytest.mark.case("P2")
def test_p2_members_keep_to_themselves(client, people):
    """What an archive calls its members is a label, never a place."""
    client.force_login(people.mira)
    answer, _ = upload(client, FILES["P2 names that climb"][0])
    run = ImportRun.objects.latest("pk")
    assert {row["file"] for row in run.documents} == {"etc/evil.yaml", "etc/abs.yaml", "a/b.yaml"}
    answer, _ = upload(client, FILES["P2 a symbolic link"][0])
    run = ImportRun.objects.latest("pk")
    assert "root:" not in client.get(answer.url).content.decode()
    assert [row["verdict"] for row in run.documents if row["file"] == "a.yaml"] == ["ok"]


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.yaml", "a\r\nb.yaml", "‮lmay.yaml", "x" * 250 + ".yaml"]
)
@pytest.mark.case("X1", "F2")
def test_x1_names_of_files_are_text(client, people, name):
    client.force_login(people.mira)
    answer, _ = upload(client, GOOD, name)
    page = client.get(answer.url).content.decode() if answer.status_code == 302 else answer.content.decode()
    assert answer.status_code in (302, 422)
    assert "<img src=x" not in page


def pasted(client: Any, text: str) -> tuple[Any, float]:
    """The answer, and what it cost this thread in seconds."""
    started = time.thread_time()
    answer = client.post("/catalog/import/?from=paste", {"text": text})
    return answer, time.thread_time() - started


@pytest.mark.parametrize("case", named(PASTED))
def test_pasted_text_is_reported_or_refused(client, people, case):
    client.force_login(people.mira)
    before, text = Entity.objects.count(), PASTED[case]
    answer, took = pasted(client, text)
    if took >= 2:
        # In a process that is slow at everything by now: what a tenth of it costs, times its size.
        _, tenth = pasted(client, text[: len(text) // 10])
        answer, again = pasted(client, text)
        assert min(took, again) < 30 * tenth
    assert answer.status_code in (302, 422)
    if answer.status_code == 302:
        assert client.get(answer.url).status_code == 200
        assert client.get(answer.url + "?format=csv").status_code == 200
        assert client.post(answer.url + "apply/").status_code == 302
        assert client.get("/catalog/?kind=any").status_code == 200
    assert Entity.objects.count() <= before + 1


@pytest.mark.case("F4")
@pytest.mark.parametrize(("size", "status"), [(MAX_UPLOAD, 302), (MAX_UPLOAD + 1, 422)])
def test_f4_the_last_byte_allowed_and_the_first_too_many(client, people, size, status):
    client.force_login(people.mira)
    assert upload(client, b"#" * size, "a.yaml")[0].status_code == status


def test_a_file_that_is_not_text_says_so(client, people):
    client.force_login(people.mira)
    answer, _ = upload(client, b"kind: \xff\xfe\n", "latin.yaml")
    assert "not UTF-8 text" in client.get(answer.url).content.decode()


@pytest.mark.case("T4")
def test_strings_that_look_like_something_else_stay_strings(client, people):
    """T4, the Norway problem: what is written in quotes comes back as the same text."""
    client.force_login(people.mira)
    words = ["no", "1e3", "0x10", "~", "12:30:00", "2024-01-01", "=", "null", "1_000", ".inf"]
    tags = "".join(f"\n    w{n}: '{word}'" for n, word in enumerate(words))
    text = GOOD.decode().replace("metadata: {name: fine}", f"metadata:\n  name: fine\n  annotations:{tags}")
    answer = client.post("/catalog/import/?from=paste", {"text": text})
    client.post(answer.url + "apply/")
    entity = Entity.objects.get(name="fine")
    assert [entity.annotations[f"w{n}"] for n in range(len(words))] == words
    exported = client.get(entity.get_absolute_url() + "catalog-info.yaml").content.decode()
    found = load_all(exported)[0].data["metadata"]["annotations"]
    assert [found[f"w{n}"] for n in range(len(words))] == words
    assert yaml.safe_load(exported)["metadata"]["annotations"] == found


@pytest.mark.parametrize(
    "location",
    [
        "~nobody-here/x",
        "/" + "x" * 400,
        "/root/\udcff".encode("utf-8", "replace").decode(),
        "/proc/1/root",
        "/dev/null",
        ".",
    ],
)
def test_folders_that_cannot_be_read_are_a_fields_error(client, people, location, tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_bytes(GOOD)
    monkeypatch.chdir(tmp_path)
    client.force_login(people.priya)
    answer = client.post("/catalog/import/?from=folder", {"location": location})
    assert answer.status_code in (302, 422)


@pytest.mark.parametrize("field", ["location", "branch", "path"])
@pytest.mark.case("G4")
def test_g4_repositories_and_branches_are_names_only(client, people, field):
    repository()
    client.force_login(people.priya)
    for value in (
        "../..",
        "a/../../b",
        "-x",
        "--upload-pack=id",
        "refs/heads/main",
        "HEAD^{/x",
        "@{-1}",
        ":/",
        "a//b",
        "x" * 199,
        "~root/x",
        "https://h/x",
        "shop/deploy.git/..",
        "*",
        "HEAD:README.md",
    ):
        given = {"location": "shop/deploy", "branch": "", "path": "", field: value}
        assert client.post("/catalog/import/?from=git", given).status_code in (302, 422), value


@pytest.mark.case("G6")
def test_g6_developers_read_hosted_repositories_only(client, people, tmp_path):
    client.force_login(people.mira)
    for location in (
        "/etc",
        str(tmp_path),
        "file:///etc",
        "../shop/deploy",
        "https://evil.example/shop/deploy",
        "shop/deploy/../../x",
    ):
        answer = client.post("/catalog/import/?from=git", {"location": location})
        assert answer.status_code == 422, location
    (tmp_path / "fine.yaml").write_bytes(GOOD)
    assert client.post("/catalog/import/?from=folder", {"location": str(tmp_path)}).status_code == 422


@pytest.mark.case("T11")
def test_a_body_too_large_is_refused_before_it_is_read(client, people, settings):
    client.force_login(people.mira)
    settings.MAX_BODY, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000, 1000
    for size in (1500, 5000):
        answer = client.post(
            "/help/ask/", "title=" + "x" * size, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 413
        assert "1000 bytes" in answer.content.decode().replace("\xa0", " ")


def test_too_many_fields_are_refused(client, people):
    client.force_login(people.mira)
    assert client.post("/help/ask/", {f"f{n}": "x" for n in range(1500)}).status_code == 400
