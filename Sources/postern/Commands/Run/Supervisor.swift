import Linux
import Rules

/// Stands before the program where something has to be done besides it: files taken away at the end, values replaced
/// when they change. It never has a secret itself: for every start and every look a `Candidate` reads them, says which
/// versions it has, and becomes the program only when it is told to, so that no program is ended before its successor
/// has what it needs.
///
/// All stay in one process group: the terminal's keys reach the program by themselves, and what another process sends to
/// this one is passed on. What a program has started and left behind is ended before its successor comes, which may need
/// the same port or lock; with the last program nobody is ended, as without postern.
final class Supervisor {
    private let session: Session
    private let plan: RunPlan
    private let watcher: Watcher?
    private let keeper: LeaseKeeper?

    private var program: ChildProcess?
    /// What the program has.
    private var versions = ""
    private var next: Candidate?
    /// The program has been told to end, so that `next` can take its place; it is killed then.
    private var killAt: Deadline?
    /// The program has ended and its successor waits until what it left behind has ended too; each of that was told once.
    private var told: Set<Int32>?
    /// The program's leases come to their end: it needs new ones.
    private var needsLeases = false
    /// When the secrets are looked at again.
    private var lookAt = Deadline.never
    private var startedAt: Int64 = 0
    /// A signal that asks for the end came while one was to end anyway: it was meant for all of this.
    private var isToldToEnd = false
    private var isCutOff = false

    init(_ session: Session, _ plan: RunPlan, _ watcher: Watcher?, _ keeper: LeaseKeeper?) {
        self.session = session
        self.plan = plan
        self.watcher = watcher
        self.keeper = keeper
    }

    /// Runs the program to its end, and returns how it ended. `news` is where the watcher says its bytes.
    func run(
        _ inbox: borrowing SignalInbox, news: borrowing FileDescriptor, files: String
    ) throws(Failure) -> ChildProcess.Ending {
        if watcher == nil { lookAt = .after(milliseconds: 0) }
        if plan.watch == .restart { ChildProcess.adoptOrphans() }
        let hasNews = watcher != nil || keeper != nil
        while true {
            if next == nil, lookAt.hasPassed {
                lookAt = .never
                next = try Candidate.start(files: files, inbox.before)
            }
            let due = min((killAt ?? .never).nanoseconds, next == nil ? lookAt.nanoseconds : .max)
            let others = [hasNews ? news.number : -1, next?.waitsOn ?? -1]
            let ready = try attempt("wait") { () throws(SystemError) in
                try inbox.wait(or: others, until: Deadline(nanoseconds: due))
            }
            while let signal = inbox.next() {
                if let ending = pass(signal) { return ending }
            }
            if ready[0] { try hear(news) }
            if ready[1], let next, next.hear() { decide(next) }
            if let ending = candidateChanged() ?? programChanged() { return ending }
            if let killAt, killAt.hasPassed {
                let what = program == nil ? "what \(plan.name) left behind" : plan.name
                session.console.note("\(what) did not end within \(Show.duration(plan.grace)); it is killed")
                program?.send(signal: SignalName.kill)
                if told != nil { for child in orphans { child.send(signal: SignalName.kill) } }
                self.killAt = .never
            }
            clear()
        }
    }

    // MARK: - What comes from outside

    /// The end, where there is no program yet that could take the signal.
    private func pass(_ signal: SignalInbox.Arrival) -> ChildProcess.Ending? {
        guard signal.number != SignalName.childChanged else { return nil }
        if signal.asksToEnd { isToldToEnd = true }
        guard let process = program ?? next?.process else {
            return SignalName.ends(signal.number) ? .signalled(signal.number) : nil
        }
        // The kernel has sent its own to all of the group.
        if !signal.isFromKernel { process.send(signal: signal.number) }
        return nil
    }

    private func hear(_ news: borrowing FileDescriptor) throws(Failure) {
        var bytes = [UInt8](repeating: 0, count: 256)
        var span = bytes.mutableSpan
        let got = (try? news.receive(into: &span, until: .after(milliseconds: 0))) ?? 0
        for case let word? in bytes[..<got].map(News.Word.init) {
            switch word {
            case .open, .changed:
                isCutOff = false
                lookSoon()
            case .ending:
                let why = "the access of \(plan.name) cannot be kept: \(keeper?.trouble ?? "")"
                guard plan.watch == .restart else {
                    session.console.warn("\(why); start it again, or run it with --watch restart")
                    continue
                }
                session.console.warn(why)
                needsLeases = true
                lookSoon()
            case .refused:
                let why = watcher?.refusal ?? .error("the daemon cannot be watched")
                guard program != nil || next != nil || told != nil else { throw why }
                if !isCutOff { session.console.warn("\(why.what); \(plan.name) goes on, and this is tried again") }
                isCutOff = true
            }
        }
    }

    /// Several changes at once are one, and a program is not restarted more than once a second.
    private func lookSoon() {
        let soon = Deadline.after(milliseconds: program == nil ? 0 : 100).nanoseconds
        lookAt = Deadline(nanoseconds: min(lookAt.nanoseconds, max(soon, startedAt + 1_000_000_000)))
    }

    // MARK: - What becomes of our own

    /// The candidate has read the secrets.
    private func decide(_ candidate: Candidate) {
        // It takes the program's place when that has ended.
        guard killAt == nil else {
            keeper?.keepAlso(candidate.leases)
            return
        }
        guard let program else { return become(candidate) }
        guard candidate.versions != versions || needsLeases else { return candidate.tell(.leave) }
        if case .signal? = plan.watch { return candidate.tell(.write) }
        session.console.note("the secrets of \(plan.name) have changed; it is restarted")
        isToldToEnd = false
        killAt = .after(seconds: plan.grace)
        keeper?.keepAlso(candidate.leases)
        program.send(signal: SignalName.end)
    }

    private func become(_ candidate: Candidate) {
        candidate.tell(.become)
        program = candidate.process
        versions = candidate.versions ?? ""
        keeper?.take(candidate.leases)
        needsLeases = false
        next = nil
        killAt = nil
        startedAt = Clock.monotonicNanoseconds
    }

    /// How the candidate ended that was to be the first program: with its own words and its code.
    private func candidateChanged() -> ChildProcess.Ending? {
        guard let candidate = next, let change = candidate.process.change() else { return nil }
        guard case .ended(let ending) = change else {
            if program == nil, told == nil { stop(change) }
            return nil
        }
        next = nil
        // Also where the end was asked for while it waited for what the program before left behind.
        guard program != nil || told != nil && !isToldToEnd else { return ending }
        afterwards(candidate, ending)
        return nil
    }

    private func afterwards(_ candidate: Candidate, _ ending: ChildProcess.Ending) {
        // It was to take the program's place; when that ends, another will.
        guard killAt == nil else { return }
        switch (candidate.order, ending) {
        case (.leave?, _): break
        case (.write?, .exited(0)):
            versions = candidate.versions ?? ""
            session.console.note("the files of \(plan.name) have new values; it is told so")
            if case .signal(let number)? = plan.watch { program?.send(signal: number) }
        default:
            session.console.warn("\(plan.name) goes on with the values it has")
            // What a person has to mend comes with news of its own.
            if ![.denied, Exit(5), Exit(7)].contains(where: { .exited($0.code) == ending }) {
                lookAt = .after(seconds: 30)
            }
        }
    }

    /// How the program ended, where no other takes its place.
    private func programChanged() -> ChildProcess.Ending? {
        guard let change = program?.change() else { return nil }
        guard case .ended(let ending) = change else {
            stop(change)
            return nil
        }
        guard killAt != nil, !isToldToEnd else { return ending }
        program = nil
        if killAt == .never { killAt = .after(seconds: plan.grace) }
        told = []
        return nil
    }

    /// What programs have started and are not there any more to wait for.
    private var orphans: [ChildProcess] {
        plan.watch == .restart ? ChildProcess.all.filter { $0.pid != program?.pid && $0.pid != next?.process.pid } : []
    }

    /// Lets the successor begin once nothing of the program before is left.
    private func clear() {
        let left = orphans.filter { if case .ended? = $0.change() { false } else { true } }
        guard var told else { return }
        for child in left where told.insert(child.pid).inserted {
            child.send(signal: killAt == .never ? SignalName.kill : SignalName.end)
        }
        guard left.isEmpty else {
            self.told = told
            return
        }
        self.told = nil
        killAt = nil
        if let next, next.versions != nil {
            become(next)
        } else if next == nil {
            // The one that was to take its place was killed: the next that has the secrets does.
            lookAt = .after(milliseconds: 0)
        }
    }

    /// Stops with what the terminal stopped, so that the shell that waits for us has its prompt; SIGCONT goes to all of
    /// the group.
    private func stop(_ change: ChildProcess.Change) {
        if case .stopped(let number) = change, SignalName.isTerminalStop(number) { Linux.Program.stop() }
    }
}
