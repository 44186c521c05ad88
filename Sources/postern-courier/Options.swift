import Linux
import Rules

/// What the starter passes on the command line; nothing secret.
struct Options {
    var callbacks = ListenAddress.off
    /// Descriptor 4 is the directory in which answers are put aside.
    var hasSpool = false
    /// What the gateway's socket was bound for; descriptor 5 is that socket, listening.
    var gateway = ListenAddress.off

    enum Parsed {
        case run(Options)
        case help
    }

    static let help = """
        postern-courier carries requests to chat platforms for posternd, and hears their browser callbacks.

        posternd starts it; nobody else needs to. It expects the control channel as descriptor 3, with --spool as
        descriptor 4 the directory in which it puts answers aside that must not be lost, and with --gateway-listen as
        descriptor 5 a socket that listens at that address for programs whose SDK shall use the gateway.

          --callback-listen HOST:PORT|unix:PATH|off   where browsers come back to, behind a TLS proxy (off)
          --gateway-listen HOST:PORT|off              descriptor 5 listens there (off)
          --spool                                     descriptor 4 is the spool
          --help                                      this text

        Example, as posternd does it:
          postern-courier --callback-listen 127.0.0.1:8430 3<>control
        """

    static func parse(_ arguments: [String]) throws(Problem) -> Parsed {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--help" { return .help }
            if argument == "--spool" {
                options.hasSpool = true
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let field: WritableKeyPath<Options, ListenAddress>
            switch name {
            case "--callback-listen": field = \.callbacks
            case "--gateway-listen": field = \.gateway
            default: throw Problem(.badRequest, "\(name) is not an option", advice: "see postern-courier --help")
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), let address = ListenAddress(value)
            else {
                throw Problem(.badRequest, "\(name) takes HOST:PORT, unix:PATH or off")
            }
            options[keyPath: field] = address
        }
        if case .unix = options.gateway { throw Problem(.badRequest, "--gateway-listen takes HOST:PORT or off") }
        return .run(options)
    }
}
