// Stream Pump takes live streams in and gives them to thousands of viewers.
//
// The command only chooses and joins the parts: it reads the configuration
// (package config), fits itself to the machine (tuning), and hands the
// protocols (codec/mmsh, codec/rtsp, codec/rtmp) to the engine. How any of them works is
// their own business.
//
//	main ──► run ──► one command ──► exit code
//
// Exit codes: 0 all went well, 1 something failed, a configuration has mistakes
// or doctor found something worth changing, 2 the command line was not
// understood. What a command was asked for goes to standard output, everything
// else to standard error.
package main

import "streampump/cmd/internal/cli"

func main() { cli.Main(run) }
