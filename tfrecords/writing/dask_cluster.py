"""A Dask cluster as the executor of a build; imported only on request."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from tqdm import tqdm

from tfrecords.writing.decoder_pool import BuildError

CONNECT_TIMEOUT = 10.0  # seconds
AGAIN = "Run the same command again to resume it."


@contextmanager
def dask_executor(address: str, workers: int) -> Iterator[tuple[Executor, int]]:
    """The executor of a Dask cluster and its number of threads (`workers` if it has none yet).

    A shard that kills its worker three times ends the build. The shards of other lost workers are
    built again.

    Args:
        address: Address of the scheduler, for example `"tcp://host:8786"`.
        workers: Number of threads to expect if there are none yet.

    Raises:
        BuildError: If Dask is not installed, the scheduler does not respond, or the workers are
            lost.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.core import connect
    except ImportError:
        raise BuildError("--dask requires Dask. Run pip install 'ctm-keras[dask]'.") from None

    async def reach() -> None:  # a Client that cannot reach its scheduler is noisy
        comm = await connect(address, timeout=CONNECT_TIMEOUT)
        await comm.close()

    try:
        asyncio.run(reach())
    except (OSError, ValueError) as error:
        raise BuildError(
            f"No Dask scheduler responds at {address} ({error}). Start one with `dask scheduler` "
            "and pass its address as --dask tcp://HOST:8786."
        ) from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # errors are raised
    with Client(address, set_as_default=False) as client:
        threads = sum(client.nthreads().values())
        if not threads:
            tqdm.write(f"The scheduler at {address} has no workers yet. The build waits for them.")
        try:
            yield client.get_executor(pure=False), threads or workers
        except KilledWorker as error:
            raise BuildError(f"The cluster lost too many workers ({error}). {AGAIN}") from None
