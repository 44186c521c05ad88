import FoundationEssentials
import Linux

/// What somebody with an editor and the rights of root could do to a vault.
enum Tampering {
    /// A copy of the stopped daemon's state, with the same owners.
    static func copy(of stage: Stage) throws(Failure) -> String {
        let copy = stage.directory + "/copy"
        let (ending, text) = try stage.run("/bin/cp", ["-a", stage.state, copy])
        guard ending == .exited(0) else { throw Failure.error("the vault could not be copied: \(text.shown)") }
        return copy
    }

    /// Replaces a text by one of the same length wherever it stands in vault.db.
    static func change(_ text: String, to other: String, in directory: String) throws(Failure) {
        let path = directory + "/vault/vault.db"
        guard var bytes = try? Descriptor.contents(ofFile: path, atMost: 1 << 26) else {
            throw Failure.error("the copy of the vault cannot be read")
        }
        let (old, new) = (Array(text.utf8), Array(other.utf8))
        var found = 0
        for start in 0..<max(0, bytes.count - old.count) where bytes[start] == old[0] {
            if bytes[start..<(start + old.count)].elementsEqual(old) {
                bytes.replaceSubrange(start..<(start + old.count), with: new)
                found += 1
            }
        }
        guard found > 0 else { throw Failure.error("the copy of the vault does not contain \(text)") }
        try attempt("change the copy") { () throws(SystemError) in
            let file = try FileDescriptor.open(path, .write)
            try file.write(bytes)
        }
    }
}
