import Glibc
import HTTPClient
import Linux
import Rules

/// postern-sim as a process of its own, ended with this value, and what it wrote down about who called it.
final class SimulatedPlatforms: Sendable {
    /// Such as `http://127.0.0.1:40001`.
    let base: String
    private let process: ChildProcess
    /// It ends when its input does, even when we are killed.
    private let lifeline: FileDescriptor
    private let client = HTTPClient(keeping: 1)

    init() throws {
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        process = try ChildProcess.start(
            Program.sibling("postern-sim"), ["--end-with-stdin"],
            descriptors: [0: input.far.number, 1: output.far.number])
        lifeline = input.split { near, far in near }
        let line = try output.split { near, far in
            _ = consume far
            var line: [UInt8] = []
            while line.last != UInt8(ascii: "\n") {
                line += try near.receive(exactly: 1, until: .after(seconds: 20))
            }
            return line
        }
        guard let address = Told(line)?["listening"]?.text else {
            throw Problem(.internal, "postern-sim did not say where it listens")
        }
        base = address
    }

    deinit {
        process.send(signal: SIGTERM)
        _ = try? process.wait()
    }

    /// One of the simulation's own calls; `json` is its body.
    @discardableResult
    func control(_ method: String, _ path: String, _ json: String = "") throws -> Told {
        Told(try text(method, path, json)) ?? .nothing
    }

    func text(_ method: String, _ path: String, _ json: String) throws -> [UInt8] {
        let answer = try client.perform(HTTPClient.Request(method, "\(base)/_sim/\(path)", body: Array(json.utf8)))
        guard answer.status == 200 else {
            throw Problem(.internal, "the simulation refused \(method) \(path) with \(answer.status)")
        }
        return answer.body
    }

    /// Where a browser that opens `url` is sent: the consent page says yes at once.
    func consent(_ url: String) throws -> String {
        let answer = try client.perform(HTTPClient.Request("GET", url))
        guard let location = answer.header("location") else {
            throw Problem(.internal, "the consent page answered \(answer.status) and sent nobody back")
        }
        return location
    }

    /// Makes every later call of that name take so long.
    func delay(_ call: String, milliseconds: Int) throws {
        try control(
            "POST", "faults", #"{"match":"\#(call)","fault":"delay","delay_ms":\#(milliseconds),"times":0}"#)
    }

    /// A call of a platform's API with a token on it.
    func call(_ method: String, _ path: String, bearer: String) throws -> Told {
        let answer = try client.perform(
            HTTPClient.Request(method, base + path, headers: [.init("Authorization", "Bearer \(bearer)")]))
        return Told(answer.body) ?? .nothing
    }

    /// What the ledger says about calls of one name.
    func count(_ call: String) throws -> (accepted: Int, refused: Int) {
        let entries = try control("GET", "ledger?call=\(call)")["entries"]?.list ?? []
        let accepted = entries.count { $0["outcome"]?.text == "accepted" }
        return (accepted, entries.count - accepted)
    }
}

/// The value of a query parameter in a URL, percent-decoded.
func query(_ name: String, in url: String) -> String? {
    for pair in url.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") where pair.hasPrefix(name + "=") {
        return decoded(pair.dropFirst(name.count + 1))
    }
    return nil
}

private func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
