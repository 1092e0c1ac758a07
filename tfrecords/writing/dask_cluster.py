"""A Dask cluster as the executor of a build; imported only where one is asked for."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from tqdm import tqdm

from tfrecords.writing.decoder_pool import BuildError

CONNECT_TIMEOUT = 10.0  # seconds
AGAIN = "run the same command again to resume it"


@contextmanager
def dask_executor(address: str, workers: int) -> Iterator[tuple[Executor, int]]:
    """The executor of a Dask cluster, and how many threads it has (`workers` if none yet).

    A shard that kills its worker three times ends the build; other lost workers cost the shards
    that they had in hand.

    Args:
        address: Address of the scheduler, for example `"tcp://host:8786"`.
        workers: How many are expected where there are none yet.

    Raises:
        BuildError: If Dask is not installed, the scheduler does not answer, or the workers are
            lost.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.core import connect
    except ImportError:
        raise BuildError("--dask needs Dask: pip install 'ctm-keras[dask]'") from None

    async def reach() -> None:  # a Client that cannot reach its scheduler is noisy
        comm = await connect(address, timeout=CONNECT_TIMEOUT)
        await comm.close()

    try:
        asyncio.run(reach())
    except (OSError, ValueError) as error:
        raise BuildError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler` "
            "and name it as --dask tcp://HOST:8786"
        ) from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost scheduler is told
    with Client(address, set_as_default=False) as client:
        threads = sum(client.nthreads().values())
        if not threads:
            tqdm.write(f"The scheduler at {address} has no workers yet: the build waits for some.")
        try:
            yield client.get_executor(pure=False), threads or workers
        except KilledWorker as error:
            raise BuildError(f"the cluster lost too many workers ({error}): {AGAIN}") from None
