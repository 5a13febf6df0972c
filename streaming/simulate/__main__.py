"""`python -m streaming.simulate`: see command.py."""

import sys

from streaming.simulate.command import main

sys.exit(main())
