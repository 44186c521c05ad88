import Glibc

/// The few system calls the CLI makes by itself on files and terminals.
enum Descriptor {
    /// Why a call failed, in the system's words.
    struct Trouble: Error {
        let number: Int32
        var what: String { unsafe String(cString: strerror(number)) }
    }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    static func terminalWidth(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in unsafe write(UnsafeRawBufferPointer(bytes), to: descriptor) }
    }

    /// Writes everything or ends the process: output that could not be written must not look like success.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var done = 0
        while done < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count > 0 {
                done += count
            } else if errno != EINTR, errno != EAGAIN {
                if descriptor != 2 { write("postern: standard output cannot be written\n", to: 2) }
                exit(1)
            }
        }
    }

    /// Reads up to `limit` bytes of a file; more is an error.
    static func contents(ofFile path: String, atMost limit: Int) throws(Trouble) -> [UInt8] {
        let descriptor = try open(path)
        defer { close(descriptor) }
        return try contents(of: descriptor, atMost: limit)
    }

    /// The same of an open descriptor, which stays open.
    static func contents(of descriptor: Int32, atMost limit: Int) throws(Trouble) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Trouble(number: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit { throw Trouble(number: EFBIG) }
        }
    }

    static func open(_ path: String) throws(Trouble) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Trouble(number: errno) }
        return descriptor
    }

    static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// True when users other than the owner may read the file.
    static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & 0o044 != 0
    }

    /// What stands at `path`: nothing, a socket, or something else.
    static func socketState(_ path: String) -> (exists: Bool, isSocket: Bool, mayConnect: Bool) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return (errno == EACCES, false, errno != EACCES) }
        return unsafe (true, status.st_mode & S_IFMT == S_IFSOCK, access(path, W_OK) == 0)
    }

    static func remove(_ path: String) { _ = unsafe unlink(path) }

    static func waitSeconds(_ seconds: UInt32) { _ = sleep(seconds) }

    static func waitMilliseconds(_ milliseconds: UInt32) { _ = usleep(milliseconds * 1000) }
}
