internal import FoundationEssentials
package import Rules

/// What the courier says about itself once it is ready: bound, confined, able to carry.
package struct CourierReport: Codable, Sendable, Equatable {
    /// Where the callback listener answers, `127.0.0.1:8430` or `unix:/path`; nil when off.
    package var callback: String?
    /// Where the gateway for unmodified SDKs answers, `127.0.0.1:8431`; nil when off.
    package var gateway: String?
    /// The Landlock ABI that confines it; 0 where the kernel has none.
    package var landlock: Int
    /// True when its seccomp filter is in force.
    package var seccomp: Bool
    /// What the operator should know; shown by `doctor`.
    package var warnings: [String]

    /// What a courier says of itself once it is confined.
    package init(
        callback: String? = nil, gateway: String? = nil, landlock: Int, seccomp: Bool, warnings: [String] = []
    ) {
        self.callback = callback
        self.gateway = gateway
        self.landlock = landlock
        self.seccomp = seccomp
        self.warnings = warnings
    }
}

/// A message on the SEQPACKET control channel; all but `ready` bring one end of a stream with them.
package enum Control: Sendable, Equatable {
    /// Courier → keeper, once, first.
    case ready(CourierReport)
    /// Keeper → courier: a request frame comes on the stream, answer it there.
    case carry
    /// Keeper → courier: calls through the gateway come on the stream, one after the other, until it ends.
    case passage
    /// Courier → keeper: a callback frame comes on the stream, answer it there.
    case callback
    /// Courier → keeper: a call for the gateway comes on the stream, answer it there.
    case gateway

    /// No message is longer.
    package static let maxBytes = 4096

    /// The message as JSON. `internal` when it outgrows a control message.
    package func encoded() throws(Problem) -> [UInt8] {
        switch self {
        case .carry: return Array("carry".utf8)
        case .passage: return Array("passage".utf8)
        case .callback: return Array("callback".utf8)
        case .gateway: return Array("gateway".utf8)
        case .ready(let report):
            let bytes: [UInt8]
            do { bytes = [UInt8](try JSONEncoder().encode(report)) } catch { throw Self.misread }
            guard bytes.count <= Self.maxBytes else { throw Self.misread }
            return bytes
        }
    }

    /// Reads what `encoded` made. `bad_request` for anything else.
    package init(_ bytes: [UInt8]) throws(Problem) {
        if bytes == Array("carry".utf8) {
            self = .carry
        } else if bytes == Array("passage".utf8) {
            self = .passage
        } else if bytes == Array("callback".utf8) {
            self = .callback
        } else if bytes == Array("gateway".utf8) {
            self = .gateway
        } else {
            guard bytes.count <= Self.maxBytes else { throw Self.misread }
            do { self = .ready(try JSONDecoder().decode(CourierReport.self, from: Data(bytes))) } catch {
                throw Self.misread
            }
        }
    }

    private static var misread: Problem { Problem(.badRequest, "The control message is not well formed.") }
}
