"""All jobs, in the order of the tables."""
from harness.loads import LOADS
from harness.programs import PROGRAMS
from harness.servers import SERVERS

JOBS = [*LOADS, *PROGRAMS, *SERVERS]
