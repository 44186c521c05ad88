import FoundationEssentials
import Linux
import Rules
import Sealing

/// The file of checkpoints beside the vault, one JSON object a line, to be shipped to another machine.
///
/// A vault put back as a whole to an earlier state is noticed only against a copy of this file kept elsewhere.
struct Anchors: Sendable {
    let path: String

    func append(_ checkpoint: Checkpoint, at time: Int64) {
        let line =
            #"{"vault_id":"\#(Hex.encode(checkpoint.vaultID.span))","seq":\#(checkpoint.seq),"#
            + #""head":"\#(checkpoint.head.hex)","epoch":\#(checkpoint.epoch),"#
            + #""time":"\#(Clock.text(ofMilliseconds: time))","digests":"\#(Hex.encode(checkpoint.digests.span))","#
            + #""public_key":"\#(checkpoint.publicKey.hex)","signature":"\#(Hex.encode(checkpoint.signature.span))"}"#
        // The checkpoint itself is in the log; a line that cannot be written is missing from a copy, no more.
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, .append, creating: 0o600, followingLinks: false)
            try file.write(Array((line + "\n").utf8))
        } catch {
            Log.warning("anchor_not_written", ["reason": error])
        }
    }
}

/// One line of the anchors file, as far as comparing needs it.
struct Anchor {
    private struct Line: Decodable {
        let seq: Int64
        let head: String
    }

    let seq: Int64
    let head: Digest32

    init?(_ text: String) {
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)),
            let head = Digest32(hex: line.head)
        else { return nil }
        seq = line.seq
        self.head = head
    }

    /// Reads a copy of the file. Throws `bad_request` where a line is something else,
    /// so that a wrong file is not taken for agreement; the last line may have been cut off by the copying.
    static func all(_ lines: [String]) throws(Problem) -> [Anchor] {
        var found: [Anchor] = []
        for (index, line) in lines.enumerated() where !line.isEmpty {
            if let anchor = Anchor(line) {
                found.append(anchor)
            } else if index < lines.count - 1 || found.isEmpty {
                throw Problem(
                    .badRequest, "line \(index + 1) of the anchors is not an anchor",
                    advice: "name a copy of the vault's anchors file")
            }
        }
        return found
    }
}
