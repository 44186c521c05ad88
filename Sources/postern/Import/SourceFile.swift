import Glibc
import Linux

/// A file that holds secrets in plain text, read whole: the buffer is wiped when nobody needs it any more, and what
/// is known of the file tells later whether it is still the one that was read.
final class SourceFile {
    let path: String
    private(set) var bytes: [UInt8]
    let mark: FileMark

    /// Reads a regular file of at most `limit` bytes; a symbolic link, a pipe or a device is refused.
    init(_ path: String, atMost limit: Int) throws(Failure) {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else {
            if errno == ELOOP { throw Failure.usage("\(path.shown) is a symbolic link", next: "name the file itself") }
            throw Failure.error("\(path.shown) cannot be read: \(Descriptor.Trouble(number: errno).what)")
        }
        defer { Descriptor.close(descriptor) }
        guard let mark = FileMark(path, descriptor), mark.isRegular else {
            throw Failure.usage("\(path.shown) is not a regular file")
        }
        guard mark.size <= limit else {
            throw Failure.usage("\(path.shown) is larger than \(Show.count(limit >> 10, "KiB", "KiB"))")
        }
        var failed: Int32 = 0
        // One buffer of the right size: nothing is left behind by growing.
        bytes = unsafe [UInt8](unsafeUninitializedCapacity: mark.size) { room, count in
            while count < mark.size {
                let got = unsafe read(descriptor, room.baseAddress! + count, mark.size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = errno }
                if got <= 0 { break }
                count += got
            }
        }
        self.path = path
        self.mark = mark
        guard failed == 0 else {
            throw Failure.error("\(path.shown) cannot be read: \(Descriptor.Trouble(number: failed).what)")
        }
    }

    deinit {
        guard !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeMutableBytes { unsafe explicit_bzero($0.baseAddress!, $0.count) }
    }

    /// The text in it, without a byte order mark; refuses what is none.
    func text() throws(Failure) -> String {
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure.usage("\(path.shown) is not text in UTF-8")
        }
        return text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    }
}

/// Which file stood at a path, and in which state.
struct FileMark: Equatable {
    let path: String
    let size: Int
    let isRegular: Bool
    let isLink: Bool
    let isDirectory: Bool
    /// How many names the file has.
    let names: Int
    /// nil of a link that leads nowhere.
    private let identity: FileIdentity?

    fileprivate init?(_ path: String, _ descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(path, status, FileIdentity(open: descriptor))
    }

    /// Of the path itself; a symbolic link is not followed. nil where there is nothing.
    init?(of path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        self.init(path, status, FileIdentity(following: path))
    }

    private init(_ path: String, _ status: stat, _ identity: FileIdentity?) {
        self.path = path
        size = Int(status.st_size)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isLink = status.st_mode & S_IFMT == S_IFLNK
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        names = Int(status.st_nlink)
        self.identity = identity
    }

    /// Whether the file is still the one that was read, unchanged.
    var stands: Bool { FileMark(of: path) == self }
}

/// Folders, and the end of plain copies.
enum SourceFolder {
    /// The names in a folder, sorted; a symbolic link to one is refused.
    static func names(in path: String) throws(Failure) -> [String] {
        guard let mark = FileMark(of: path), mark.isDirectory, let folder = unsafe opendir(path) else {
            throw Failure.usage("\(path.shown) is not a folder that can be read")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            guard names.count <= 100_000 else { throw Failure.usage("\(path.shown) has too many files") }
        }
        return names.sorted()
    }

    /// Writes a new file that only its owner may read, or one with the mode and owner of `like`.
    static func write(_ bytes: some Sequence<UInt8>, to path: String, like: String? = nil) throws(Failure) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else {
            throw Failure.error("\(path.shown) cannot be written: \(Descriptor.Trouble(number: errno).what)")
        }
        defer { Descriptor.close(descriptor) }
        var status = stat()
        if let like, unsafe lstat(like, &status) == 0 {
            // Only root may give a file away; anybody else owns both.
            if fchown(descriptor, status.st_uid, status.st_gid) == 0 { fchmod(descriptor, status.st_mode & 0o7777) }
        }
        var all = Array(bytes)
        defer {
            unsafe all.withUnsafeMutableBytes { if $0.count > 0 { unsafe explicit_bzero($0.baseAddress!, $0.count) } }
        }
        let written = unsafe all.withUnsafeBytes { unsafe put($0, descriptor) }
        guard written, fsync(descriptor) == 0 else {
            let why = Descriptor.Trouble(number: errno).what
            unsafe unlink(path)
            throw Failure.error("\(path.shown) cannot be written: \(why)")
        }
    }

    /// Overwrites a file with zeros, makes that durable, then removes its name; or, with `kept`, puts a file with only
    /// that in its place. A file that is not the one that was read is left alone.
    static func destroy(_ mark: FileMark, keeping kept: [UInt8]? = nil) throws(Failure) {
        let descriptor = unsafe open(mark.path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure.error("\(mark.path.shown) cannot be overwritten: \(Descriptor.Trouble(number: errno).what)")
        }
        defer { Descriptor.close(descriptor) }
        guard FileMark(mark.path, descriptor) == mark else {
            throw Failure.error("\(mark.path.shown) has changed since it was read, and was left as it is")
        }
        if let kept {
            let new = "\(mark.path).postern-\(getpid())"
            try write(kept, to: new, like: mark.path)
            guard unsafe rename(new, mark.path) == 0 else {
                let why = Descriptor.Trouble(number: errno).what
                unsafe unlink(new)
                throw Failure.error("\(mark.path.shown) cannot be replaced: \(why)")
            }
        }
        let zeros = [UInt8](repeating: 0, count: 65_536)
        var left = mark.size
        while left > 0 {
            let next = min(left, zeros.count)
            let written = unsafe zeros.withUnsafeBytes {
                unsafe put(UnsafeRawBufferPointer(rebasing: $0[..<next]), descriptor)
            }
            guard written else {
                throw Failure.error(
                    "\(mark.path.shown) cannot be overwritten: \(Descriptor.Trouble(number: errno).what)")
            }
            left -= next
        }
        guard fsync(descriptor) == 0, unsafe kept != nil || unlink(mark.path) == 0 else {
            throw Failure.error("\(mark.path.shown) cannot be removed: \(Descriptor.Trouble(number: errno).what)")
        }
        sync(folderOf: mark.path)
    }

    /// Removes a folder where it is empty.
    static func removeIfEmpty(_ path: String) { _ = unsafe rmdir(path) }

    /// The git work tree a path lies in, whose history may keep what is removed from it; nil where it lies in none.
    static func gitWorkTree(of path: String) -> String? {
        guard let real = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(real) }
        var folder = unsafe String(cString: real)
        while let slash = folder.lastIndex(of: "/") {
            if FileMark(of: "\(folder)/.git") != nil { return folder.isEmpty ? "/" : folder }
            folder = String(folder[..<slash])
        }
        return nil
    }

    private static func sync(folderOf path: String) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        Descriptor.close(descriptor)
    }

    @unsafe private static func put(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}
