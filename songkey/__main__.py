"""python -m songkey: the console command `songkey`, where it is not installed."""

from songkey.cli import main

if __name__ == "__main__":
    main()
