import Linux
import Rules

/// What the starter passes on the command line; nothing secret.
struct Options {
    var callbacks = ListenAddress.off
    /// Descriptor 4 is the directory in which answers are put aside.
    var hasSpool = false

    enum Parsed {
        case run(Options)
        case help
    }

    static let help = """
        postern-courier carries requests to chat platforms for posternd, and hears their browser callbacks.

        posternd starts it; nobody else needs to. It expects the control channel as descriptor 3, and with --spool as
        descriptor 4 the directory in which it puts answers aside that must not be lost.

          --callback-listen HOST:PORT|unix:PATH|off   where browsers come back to, behind a TLS proxy (off)
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
            let name = "--callback-listen"
            let value: String?
            if argument == name {
                value = rest.popFirst()
            } else if argument.hasPrefix(name + "=") {
                value = String(argument.dropFirst(name.count + 1))
            } else {
                throw Problem(.badRequest, "\(argument) is not an option", advice: "see postern-courier --help")
            }
            guard let value, let address = ListenAddress(value) else {
                throw Problem(.badRequest, "\(name) takes HOST:PORT, unix:PATH or off")
            }
            options.callbacks = address
        }
        return .run(options)
    }
}
