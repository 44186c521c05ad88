import Glibc

/// A folder that lasts as long as a test.
final class Folder {
    let path: String

    init() {
        var template = Array("/tmp/postern-sqlite-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        for name in ["", "-wal", "-shm", "-journal"].flatMap({ ["a.db" + $0, "b.db" + $0] }) {
            unsafe unlink(file(name))
        }
        unsafe rmdir(path)
    }
}
