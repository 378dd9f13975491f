"""The points as tasks on a Dask cluster: an executor like run_local. The cluster is made here for
it, or is there already. Needs python3-distributed; nothing else imports this.

A task is a point, whole and by itself: what a worker that dies had begun, or had done and not
handed over, another does again, and gets the same. A point that several workers die of fails
(Dask's setting distributed.scheduler.allowed-failures).

SPDX-License-Identifier: MIT
"""

import cloudpickle
import distributed

from . import run

CONNECT = "5s"


def connect(scheduler, jobs):
    """A client, and the cluster to end with it or None."""
    if scheduler is None:
        cluster = distributed.LocalCluster(n_workers=jobs, threads_per_worker=1,
                                           dashboard_address=None)
        return distributed.Client(cluster), cluster
    try:
        return distributed.Client(scheduler, timeout=CONNECT), None
    except (OSError, ValueError) as error:
        raise FileNotFoundError(f"no Dask scheduler at {scheduler}: {error}") from None


def run_tasks(sipc, keys, jobs, scheduler=None):
    """Yields (key, record) as points end. Workers get the code from here."""
    cloudpickle.register_pickle_by_value(run)
    client, cluster = connect(scheduler, jobs)
    try:
        futures = client.map(run.run_point, [str(sipc)] * len(keys), list(keys), pure=False)
        names = dict(zip((future.key for future in futures), keys))
        for future in distributed.as_completed(futures):
            yield names[future.key], record_of(future, sipc, names[future.key])
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def record_of(future, sipc, key):
    """What a task came to."""
    if future.status == "finished":
        return future.result()
    return {"error": f"the task failed: {future.exception()}",
            "replay": run.replay_of(sipc, key)}
