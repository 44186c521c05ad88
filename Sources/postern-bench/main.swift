import Glibc
import Linux
import Rules

let help = """
    postern-bench SUBCOMMAND... [--rounds N] [--seconds S] [--clients N,N] [--dir DIR] [-o table|json] [--quiet]
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

    Medians of interleaved rounds with the lowest and the highest. Exit code 1 when a goal is not met or a request failed.
    Example: postern-bench access gateway webhook watch --rounds 7
    """

func run(_ arguments: [String]) throws -> Int32 {
    switch arguments.dropFirst().first {
    case "bare" where arguments.count == 5:
        guard let body = Int(arguments[3]), let shape = Bare.Shape(rawValue: arguments[4]) else { return 2 }
        try Bare.serve(path: arguments[2], body: body, shape: shape)
        return 0
    case "callers" where arguments.count == 7:
        try Callers.main(Array(arguments.dropFirst(2)))
        return 0
    case "--help", "-h", "help":
        write(help + "\n", to: 1)
        return 0
    default: return try measure(arguments.dropFirst())
    }
}

/// What can be measured, by name.
enum Subcommand {
    static let all: [String: @Sendable (Options) throws -> Report] = [
        "fetch": Fetch.run, "write": Write.run, "webhook": Webhook.run, "access": Access.run, "gateway": Gateway.run,
        "leases": Leases.run, "watch": Watch.run, "status": Status.run, "exchange": Exchange.run,
        "refresh-storm": RefreshStorm.run, "shape": Shape.run,
    ]
}

/// Runs the subcommands named before the first option, one after the other, and prints each one's report.
func measure(_ arguments: ArraySlice<String>) throws -> Int32 {
    let names = arguments.prefix { !$0.hasPrefix("-") }
    let chosen = names.compactMap { Subcommand.all[$0] }
    guard !chosen.isEmpty, chosen.count == names.count else {
        write(help + "\n", to: 2)
        return 2
    }
    let options = try Options(arguments.dropFirst(names.count))
    var isMet = true
    for run in chosen {
        let report = try run(options)
        write((options.json ? report.json : report.text) + "\n", to: 1)
        isMet = isMet && report.isMet
    }
    return isMet ? 0 : 1
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
