import Glibc
import Linux
import Rules

let help = """
    postern-bench SUBCOMMAND [--rounds N] [--seconds S] [--clients N,N] [--dir DIR] [-o table|json] [--quiet]
                             [--tenants SMALL,LARGE] [--secrets SMALL,LARGE] [--records N]
                             [--platforms NAME,NAME] [--callers N] [--watchers N] [--leases N] [--no-sdks]

      fetch          secret reads beside a bare server and the disk; vaults small and large; restart; memory; status
      write          new versions of secrets, beside the same
      webhook        signed events of 4 KiB verified, beside a bare server that takes the same
      access         gateway leases, beside a bare server whose answers are as long
      gateway        calls through the gateway, beside the same straight to the simulated platform
      leases         a hundred thousand live leases: memory, and a start after kill -9
      watch          a thousand watchers told of a rotation
      status         postern status against curl
      exchange       a code for tokens through the broker, beside the same by curl
      refresh-storm  a thousand callers at a token's end, beside the vendors' SDKs, at the simulated platforms
      shape          thread per connection against an epoll pool, on a bare answer

    Medians of interleaved rounds with the lowest and the highest. Exit code 1 when a goal is not met.
    Example: postern-bench fetch --rounds 7 -o json
    """

func run(_ arguments: [String]) throws -> Int32 {
    switch arguments.dropFirst().first {
    case "bare" where arguments.count == 5:
        guard let body = Int(arguments[3]), let shape = Bare.Shape(rawValue: arguments[4]) else { return 2 }
        try Bare.serve(path: arguments[2], body: body, shape: shape)
        return 0
    case "fetch": return try print(Options(arguments.dropFirst(2)), Fetch.run)
    case "write": return try print(Options(arguments.dropFirst(2)), Write.run)
    case "webhook": return try print(Options(arguments.dropFirst(2)), Webhook.run)
    case "access": return try print(Options(arguments.dropFirst(2)), Access.run)
    case "gateway": return try print(Options(arguments.dropFirst(2)), Gateway.run)
    case "leases": return try print(Options(arguments.dropFirst(2)), Leases.run)
    case "watch": return try print(Options(arguments.dropFirst(2)), Watch.run)
    case "status": return try print(Options(arguments.dropFirst(2)), Status.run)
    case "refresh-storm": return try print(Options(arguments.dropFirst(2)), RefreshStorm.run)
    case "callers" where arguments.count == 7:
        try Callers.main(Array(arguments.dropFirst(2)))
        return 0
    case "exchange": return try print(Options(arguments.dropFirst(2)), Exchange.run)
    case "shape": return try print(Options(arguments.dropFirst(2)), Shape.run)
    case "--help", "-h", "help":
        write(help + "\n", to: 1)
        return 0
    default:
        write(help + "\n", to: 2)
        return 2
    }
}

func print(_ options: Options, _ measure: (Options) throws -> Report) throws -> Int32 {
    let report = try measure(options)
    write((options.json ? report.json : report.text) + "\n", to: 1)
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
