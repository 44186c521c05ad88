import Glibc
import Linux
import Rules

let help = """
    postern-bench SUBCOMMAND [--rounds N] [--seconds S] [--clients N,N] [-o table|json] [--quiet]

      shape   thread per connection against an epoll pool, on a bare answer

    Example: postern-bench shape --rounds 7 --clients 1,64 -o json
    """

func run(_ arguments: [String]) throws -> Int32 {
    switch arguments.dropFirst().first {
    case "bare" where arguments.count == 5:
        guard let body = Int(arguments[3]), let shape = Bare.Shape(rawValue: arguments[4]) else { return 2 }
        try Bare.serve(path: arguments[2], body: body, shape: shape)
        return 0
    case "shape":
        let options = try Options(arguments.dropFirst(2))
        return print(try Shape.run(options), options)
    case "--help", "-h", "help":
        write(help + "\n", to: 1)
        return 0
    default:
        write(help + "\n", to: 2)
        return 2
    }
}

func print(_ report: Report, _ options: Options) -> Int32 {
    write((options.json ? report.json : report.table) + "\n", to: 1)
    return report.goals.allSatisfy(\.met) ? 0 : 1
}

_ = Hardening.raiseDescriptorLimit(to: 16_384)
do {
    exit(try run(CommandLine.arguments))
} catch let problem as Problem {
    write("postern-bench: \(problem.reason)\n", to: 2)
    exit(problem.code.exitCode)
} catch {
    write("postern-bench: \(error)\n", to: 2)
    exit(1)
}
