import sys

from streaming.simulate.command import main

sys.exit(main())
