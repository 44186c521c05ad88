// The only process that talks to the network (design, section 2): no key, no vault, no admin socket.

import Errands
import HTTPClient
import HTTPServer
import Linux
import Rules

do throws(Problem) {
    switch try Options.parse(Array(CommandLine.arguments.dropFirst())) {
    case .help: print(Options.help)
    case .run(let options): try run(options)
    }
} catch {
    Log.error("courier_failed", ["why": error.reason, "advice": error.advice, "code": error.code.rawValue])
    Program.end(error.code.exitCode)
}
// Threads may still be busy with what nobody waits for any more.
Program.end(0)
