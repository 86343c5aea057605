using Atelier.Cli;

using var stop = new CancellationTokenSource();
// Once: the command finishes what it can. Twice: the process ends at once.
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM, signal =>
    {
        signal.Cancel = !stop.IsCancellationRequested;
        stop.Cancel();
    });
Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
var console = new ToolConsole(Console.Out, Console.Error, IsTerminal: !Console.IsOutputRedirected && !Console.IsErrorRedirected)
{
    In = Console.IsInputRedirected ? null : Console.In,
};
return await new Tool(console).RunAsync(args, stop.Token).ConfigureAwait(false);
