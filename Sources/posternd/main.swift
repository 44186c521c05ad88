import Linux

Program.exit(Daemon.run(Array(CommandLine.arguments.dropFirst())))
