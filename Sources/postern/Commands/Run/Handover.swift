import Linux
import Rules

/// Reads the secrets and becomes the program: from then on there is no postern any more, and code and signals are the
/// program's own.
struct Handover {
    let session: Session
    let plan: RunPlan

    /// Reads, hands over, executes. Returns where a `Supervisor` wanted no program of it.
    func run(under superior: Superior?) throws(Failure) -> Exit {
        let program = try plan.program()
        var read: [String: Lent] = [:]
        for case let secret? in plan.entries.map(\.source.secret) where read["\(secret)"] == nil {
            read["\(secret)"] = try Lent(secret, by: session)
        }
        let leases = LeasesOfProgram(session, plan)
        do throws(Failure) {
            for case let access? in plan.entries.map(\.source.lease) { try leases.add(access) }
            var order = Superior.Order.become
            if let superior {
                order = superior.report(read.values.map(\.version).sorted().joined(separator: " "), leases.shown)
            }
            if order != .leave {
                var variables: [String] = []
                for entry in plan.entries {
                    let value: String =
                        switch entry.source {
                        case .secret(let secret): read["\(secret)"]?.value ?? ""
                        case .access(let access): leases.bearer(access)
                        case .gateway(let access): leases.gateway(access)
                        }
                    let shown = entry.isFile ? try file(entry.name, value, in: superior?.files ?? "") : value
                    variables.append("\(entry.name)=\(shown)")
                }
                if order == .become {
                    let error = program.execute(added: variables) { [plan] name in
                        !plan.onlyEnv || plan.kept.contains(name)
                    }
                    throw plan.notExecuted("\(error)")
                }
            }
        } catch {
            leases.giveBack()
            throw error
        }
        leases.giveBack()
        return .ok
    }

    /// The path of a file with the value: in a directory, or of a file in memory that the program inherits open.
    private func file(_ name: String, _ value: String, in directory: String) throws(Failure) -> String {
        guard directory.isEmpty else {
            let path = "\(directory)/\(name)"
            try attempt("write \(path)") { () throws(SystemError) in try PrivateFile.replace(path, with: value) }
            return path
        }
        let number = try attempt("make a file in memory") { () throws(SystemError) in
            let file = try MemoryFile.make(name, holding: Array(value.utf8).span)
            try file.inherit()
            return file.release()
        }
        return "/proc/self/fd/\(number)"
    }
}

/// The process that stands before the program, seen by the one that will become it.
final class Superior {
    enum Order: UInt8 {
        /// Write the files and become the program.
        case become = 43
        /// Only write the files.
        case write = 119
        /// Nothing is wanted.
        case leave = 0
    }

    /// Where files go; empty for memory.
    let files: String
    private let line: FileDescriptor

    /// `FD,PID,DIRECTORY`, as `option` says it. From here on this process is killed when the other one ends.
    init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let number = Int32(parts[0]), let parent = Int32(parts[1]) else {
            throw Failure.usage("--under is not for people")
        }
        files = String(parts[2])
        line = try attempt("go on") { () throws(SystemError) in try FileDescriptor.inherited(number) }
        ForkedChild.dieWith(parent: parent)
    }

    static func option(_ number: Int32, files: String) -> String { "--under=\(number),\(ForkedChild.ownPID),\(files)" }

    /// Says what was read, and which leases there are, and waits for the word.
    func report(_ versions: String, _ leases: String) -> Order {
        do throws(SystemError) {
            try line.send(Array("\(versions)\t\(leases)\n".utf8), until: .never)
            return Order(rawValue: try line.receive(exactly: 1, until: .never)[0]) ?? .leave
        } catch { return .leave }
    }
}

extension RunPlan {
    /// The program, found before anything is read.
    func program() throws(Failure) -> Execution {
        do throws(Execution.Trouble) {
            return try Execution(word: command, searchPath: Environment.value(of: "PATH") ?? "/usr/bin:/bin")
        } catch {
            switch error {
            case .missing:
                throw Failure(
                    exit: Exit(127), code: "no_program", what: "there is no program \(name); nothing was read")
            case .forbidden: throw notExecuted("it may not be executed; nothing was read")
            }
        }
    }

    /// What people call the program.
    var name: String { CommandLine.arguments[command].shown }

    func notExecuted(_ why: String) -> Failure {
        Failure(exit: Exit(126), code: "not_executable", what: "\(name) cannot be executed: \(why)")
    }
}
