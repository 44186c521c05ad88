// A process for the tests of Linux: does one thing to itself, says what came of it on standard output, line by line.
import Glibc
import Intruder
import Linux

func say(_ line: String) {
    try! FileDescriptor.standardOutput().write(Array((line + "\n").utf8))
}

/// Until the test closes our standard input.
func waitForEnd() {
    var byte: UInt8 = 0
    while unsafe read(0, &byte, 1) > 0 {}
}

var arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "--as" {
    try Privileges.become(Accounts.account(nameOrNumber: arguments[1])!)
    arguments.removeFirst(2)
}

switch arguments.removeFirst() {
case "connect":
    let socket = try FileDescriptor.connect(unix: arguments[0])
    say("connected")
    waitForEnd()
    socket.shutDown()

case "connect-and-fork":
    // The child keeps the connection; the connector ends.
    let socket = try FileDescriptor.connect(unix: arguments[0])
    let child = try ChildProcess.fork {
        waitForEnd()
        socket.shutDown()
        return 0
    }
    say("\(child.pid)")
    Program.exit(0)

case "ask":
    // Connects, then does as it is told line by line.
    let socket = try FileDescriptor.connect(unix: arguments[0])
    say("connected")
    try obey(socket.release())

case "go-on": try obey(Int32(arguments[0])!)

case "take-number":
    let (number, uid) = (Int32(arguments[0])!, UInt32(arguments[1])!)
    guard arguments.count > 2 else {
        say("\(intruder_take_number(number, uid, nil, nil))")
        waitForEnd()
        break
    }
    // The child connects and does as it is told, with our input and output.
    let child = unsafe intruder_take_number(number, uid, Program.path, arguments[2])
    if child < 0 { say("\(child)") }
    _ = waitpid(child, nil, 0)

case "lock":
    let lock = try LockFile(path: arguments[0])
    say("locked")
    waitForEnd()
    _ = consume lock

case "scrubbed":
    try Scrubbing.reexecute()
    for entry in Environment.all { say(entry) }
    say("argument \(arguments.joined(separator: " "))")
    say("name \(Program.path)")

case "hardened":
    try Hardening.harden()
    say("dumpable \(intruder_dumpable())")
    say("no_new_privs \(intruder_no_new_privileges())")
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(4), &limit)
    say("core \(limit.rlim_max)")
    say("umask \(umask(0))")
    if arguments.first == "crash" { abort() }

case "ids":
    say("\(getuid()) \(geteuid()) \(getgid()) \(getegid())")
    say(setuid(0) == 0 ? "root again" : "no way back")
    let status = try FileDescriptor.open("/proc/self/status", .read).readToEnd(atMost: 65_536)
    for line in String(decoding: status, as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("Cap") || line.hasPrefix("Groups") {
        say(String(line))
    }

case "notify": say("\(ServiceManager.tell(.ready)) \(ServiceManager.tell(.status("a\nb")))")

case "children":
    // A program started from here sees only what it is given.
    let pair = try SocketPair(.stream)
    let child = try ChildProcess.start("/bin/ls", ["/proc/self/fd"], descriptors: [7: pair.far.number])
    say("\(try child.wait())")

case "log":
    Log.info("test", ["plain": "word", "odd": "a \"b\"\n\u{1B}[31m", "n": 3])

case "confined": try tryConfined(arguments)

default: Program.exit(2)
}
