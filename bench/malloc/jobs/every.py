"""All jobs, in the order of the tables."""
from jobs.loads import LOADS
from jobs.programs import PROGRAMS
from jobs.servers import SERVERS

JOBS = [*LOADS, *PROGRAMS, *SERVERS]
