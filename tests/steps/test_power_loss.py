"""After a power loss nothing counts as done whose products are not there: the order of what reaches the disk."""

import os

import small_step


def test_products_are_on_the_disk_before_done(root, tmp_path):
    """Where a step flushes, a 'sync' of ours says what it was asked for, and whether it is done by then."""
    data, out, log = small_step.make_data(tmp_path / "data"), tmp_path / "exp/vad", tmp_path / "log"
    sync = tmp_path / "bin/sync"
    sync.parent.mkdir()
    sync.write_text(
        f"#!/bin/bash\n[ -e {out}/.done ] && state=done || state=not\n"
        f'printf "$state %s\\n" "$@" >>{log}\n'
    )
    sync.chmod(0o755)
    env = {**os.environ, "PATH": f"{sync.parent}:{os.environ['PATH']}"}
    assert small_step.run(root, data, out, env=env).returncode == 0
    flushed = [line.split(" ", 1) for line in log.read_text().splitlines()]
    before = {name for state, name in flushed if state == "not"}
    assert before >= {str(out / name) for name in small_step.products(out) if name != ".done"}
    assert {str(out / ".done.tmp"), str(out)} <= before
    assert flushed[-2:] == [["done", str(out)], ["done", str(out.parent)]]
    # A change: that it is no longer done is on the disk before anything goes.
    log.unlink()
    (data / "wav.scp").write_text((data / "wav.scp").read_text().splitlines(keepends=True)[0])
    assert small_step.run(root, data, out, env=env).returncode == 0
    assert log.read_text().splitlines()[0] == f"not {out}"


def test_what_cannot_reach_the_disk_is_not_done(root, tmp_path):
    data, out = small_step.make_data(tmp_path / "data"), tmp_path / "exp/vad"
    sync = tmp_path / "bin/sync"
    sync.parent.mkdir()
    sync.write_text("#!/bin/bash\necho 'sync: error syncing: Input/output error' >&2; exit 1\n")
    sync.chmod(0o755)
    env = {**os.environ, "PATH": f"{sync.parent}:{os.environ['PATH']}"}
    result = small_step.run(root, data, out, env=env)
    assert result.returncode == 1 and f"cannot write to {out}" in result.stderr
    assert not (out / ".done").exists()
