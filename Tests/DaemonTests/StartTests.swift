import Glibc
import Linux
import Rules
import Testing

@testable import posternd

/// Runs posternd until it ends by itself, which it must.
private func run(_ flags: [String]) throws -> (code: Int32, log: String) { try Posternd(flags).end() }

@Suite struct `posternd refuses to start` {
    @Test func `without a vault, and says how to make one`() throws {
        let data = try DataDirectory()
        unsafe rmdir(data.vault)
        let (code, log) = try run(data.flags)
        #expect(code == 5 && log.contains("code=not_found") && log.contains("postern init --data-dir \(data.path)"))
    }

    @Test func `with a vault directory that others may enter`() throws {
        let data = try DataDirectory()
        unsafe chmod(data.vault, 0o750)
        let (code, log) = try run(data.flags)
        #expect(code == 4 && log.contains("chmod 700 \(data.vault)"))
    }

    @Test(arguments: [0o640, 0o604, 0o666] as [UInt32])
    func `with a root key that others may read`(_ mode: UInt32) throws {
        let data = try DataDirectory()
        unsafe chmod(data.key, mode)
        let (code, log) = try run(data.flags)
        #expect(code == 4 && log.contains("chmod 600 \(data.key)"))
    }

    @Test func `without the root key it was told of`() throws {
        let data = try DataDirectory()
        unsafe unlink(data.key)
        let (code, log) = try run(data.flags)
        #expect(code == 5 && log.contains("open the root key"))
        let credential = try run(data.flags.map { $0.hasPrefix("file:") ? "credential:root" : $0 })
        #expect(credential.code == 5 && credential.log.contains("LoadCredential=root:PATH"))
    }

    @Test(.enabled(if: Privileges.isRoot, "needs a second uid: run the tests as root"))
    func `with a root key or vault of somebody else`() throws {
        let data = try DataDirectory()
        unsafe chown(data.key, 1, 1)
        let key = try run(data.flags)
        #expect(key.code == 4 && key.log.contains("belongs to uid 1"))
        unsafe chown(data.key, data.account.uid, 0)
        unsafe chown(data.vault, 1, 1)
        let vault = try run(data.flags)
        #expect(vault.code == 4 && vault.log.contains("\(data.vault) belongs to uid 1"))
    }

    @Test func `while another process has the vault`() throws {
        let data = try DataDirectory()
        let lock = try LockFile(path: data.vault + "/vault.lock")
        if Privileges.isRoot {
            try Directory.give(data.vault + "/vault.lock", uid: data.account.uid, gid: data.account.gid)
        }
        let (code, log) = try run(data.flags)
        #expect(code == 6 && log.contains("(pid \(getpid()))"))
        _ = consume lock
    }

    @Test func `while somebody answers on its socket, and leaves that socket alone`() throws {
        let data = try DataDirectory()
        try Directory.make(data.path + "/run", mode: 0o777)
        let other = try UnixListener(path: data.path + "/run/broker.sock", mode: 0o666)
        let (code, log) = try run(data.flags)
        #expect(code == 6 && log.contains("another process answers"))
        _ = try FileDescriptor.connect(unix: other.path).number
    }

    @Test func `in a directory whose path is too long for a socket`() throws {
        let data = try DataDirectory()
        let (code, log) = try run(data.flags + ["--run-dir", data.path + "/" + String(repeating: "r", count: 100)])
        #expect(code == 2 && log.contains("--run-dir"))
    }

    @Test(
        .enabled(if: Privileges.isRoot, "only root can become another user"),
        arguments: [
            (["--user", "root", "--courier-user", "daemon"], "must not be root"),
            (["--user", "nobody", "--courier-user", "0"], "must not be root"),
            (["--user", "nobody", "--courier-user", "nobody"], "are the same user"),
            (["--user", "no-such-user", "--courier-user", "daemon"], "useradd --system"),
            (["--user", "nobody", "--courier-user", "no-such-user"], "useradd --system"),
        ])
    func `as root with users that keep nothing apart`(_ users: [String], _ reason: String) throws {
        let data = try DataDirectory()
        let (code, log) = try run(Array(data.flags.prefix(4)) + users)
        #expect(code == 2 && log.contains(reason))
    }

    @Test(.enabled(if: Privileges.isRoot, "needs a second uid: run the tests as root"))
    func `as a plain user that asks to be another`() throws {
        let data = try DataDirectory()
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            "/usr/bin/setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", Program.sibling("posternd")] + data.flags,
            descriptors: [2: output.far.number])
        #expect(try child.wait() == .exited(2))
    }

    @Test func `with options nobody knows, and without any`() throws {
        #expect(try run(["--nonsense", "x"]).code == 2)
        #expect(try run([]).code == 2)
        #expect(try run(["--help"]) == (0, Options.help))
    }
}
