import Linux
import Rules

/// Serves until told to stop. Signals are blocked and no thread runs yet; the socket names are removed by the caller.
func serve(_ premises: consuming Premises) throws(Problem) {
    ServiceManager.tell(.ready)
    while StopSignals.next() == .reload {}
    ServiceManager.tell(.stopping)
}
