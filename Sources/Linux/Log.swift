import CLinux
import Synchronization

/// Structured lines on standard error: `time=… level=… event=… key=value`.
///
/// One write(2) per line, so lines of several threads and processes do not mix. Values are whatever the caller gives:
/// there is no way to give it a secret, since secrets have no description.
package enum Log {
    /// How much a line matters; the usual floor is `info`.
    package enum Level: Int, Sendable, Comparable {
        case debug, info, warning, error

        var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        /// By weight: debug is the least.
        package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    /// Names are literals; values are ours, never a secret (its type has no description).
    package typealias Fields = KeyValuePairs<StaticString, any CustomStringConvertible & Sendable>

    private static let threshold = Atomic<Int>(Level.info.rawValue)

    /// Lines below it are not written; `info` until this is called.
    package static func setLevel(_ level: Level) { threshold.store(level.rawValue, ordering: .relaxed) }

    /// For somebody who looks for a fault.
    package static func debug(_ event: StaticString, _ fields: Fields = [:]) { write(.debug, event, fields) }
    /// For the record: started, stopped, changed.
    package static func info(_ event: StaticString, _ fields: Fields = [:]) { write(.info, event, fields) }
    /// Something works less well than it should.
    package static func warning(_ event: StaticString, _ fields: Fields = [:]) { write(.warning, event, fields) }
    /// Something does not work.
    package static func error(_ event: StaticString, _ fields: Fields = [:]) { write(.error, event, fields) }

    private static func write(_ level: Level, _ event: StaticString, _ fields: Fields) {
        guard level.rawValue >= threshold.load(ordering: .relaxed) else { return }
        let bytes = Array(line(level, event, fields, at: Clock.wallMilliseconds).utf8)
        // A log nobody can read must not stop the daemon; there is nowhere left to say so.
        _ = unsafe CLinux.write(STDERR_FILENO, bytes, bytes.count)
    }

    static func line(_ level: Level, _ event: StaticString, _ fields: Fields, at milliseconds: Int64) -> String {
        var line = "time=\(Clock.text(ofMilliseconds: milliseconds)) level=\(level.name) event=\(event)"
        for (key, value) in fields { line += " \(key)=\(escaped(value.description))" }
        return line + "\n"
    }

    /// Bare where it is one plain word, else in quotes with `"`, `\` and control characters escaped: one line each, and
    /// no terminal sequences.
    private static func escaped(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value < 0x7F && $0 != "\"" && $0 != "\\" && $0 != "="
            }
        if isPlain { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _
            where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                || scalar.properties.generalCategory == .lineSeparator
                || scalar.properties.generalCategory == .paragraphSeparator:
                quoted += "\\u{\(String(scalar.value, radix: 16))}"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
