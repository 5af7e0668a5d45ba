"""A workspace takes its directory over as it is opened, into whichever database the settings name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from smr_engine.bootstrap import open_workspace
from smr_engine.errors import Invalid
from smr_engine.services import directory
from tests.support.houses import furnish


def people_in(root, **environ):
    ws = open_workspace(root, environ)
    try:
        return {row.id for row in directory.people(ws)}
    finally:
        ws.storage.close()


def test_another_database_has_the_directory_as_well(company, postgres_url):
    assert "lea" in people_in(company.root)
    assert "lea" in people_in(company.root, SMR_DATABASE_URL=postgres_url)
    assert "lea" in people_in(company.root)


def test_several_processes_may_open_a_new_workspace_at_the_same_time(company, postgres_url):
    def people(_: int) -> int:
        return len(people_in(company.root, SMR_DATABASE_URL=postgres_url))

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(people, range(4))) == {27}


def test_opening_again_imports_nothing_again(company):
    def version():
        company.reopen()
        with company.ws.storage.reading() as unit:
            return unit.directory.version()

    assert version() == version()


def test_a_workspace_whose_directory_is_refused_leaves_no_connection_open(tmp_path):
    with pytest.raises(Invalid) as refused:  # kept: its traceback would keep the connections
        open_workspace(furnish(tmp_path, directory="people: 7\n"), {})
    assert refused.value.code == "directory-invalid"
    written = sorted(path.name for path in (tmp_path / ".smr").glob("smr.db*"))
    assert written == ["smr.db"]  # whoever closes last takes SQLite's own files away
