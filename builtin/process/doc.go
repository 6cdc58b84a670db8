// Package process runs entities as plain processes of the machine that the
// server runs on: location kind "localhost" and the steps that act there.
//
// A process outlives the server. It is never started twice and never lost,
// wherever the server is killed:
//
//   - It is started held: a shell that waits on a pipe before it becomes the
//     command. When the server dies first, the shell reads the end of the pipe
//     and exits.
//   - Its record (pid, start time, boot id and a random run id that also
//     stands in its environment) is on disk before it is let go.
//   - A server that starts reads the records and adopts what lives.
//
// A launch command may leave daemons behind and exit; the entity runs as long
// as one of them lives. Daemons are found by session, by the run id in their
// environment, or by the file PID_FILE if they hide from both.
package process
