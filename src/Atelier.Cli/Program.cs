using System.Runtime.InteropServices;
using System.Text;
using Atelier;
using Atelier.Cli;

TensorLibrary.LoadWhereNeeded(args);
// A thread of its own writes the answer, so that a blocked terminal or pipe cannot delay the end.
using var interruption = new Interruption(
    line => new Thread(() => Answer(line)) { IsBackground = true }.Start(), Thread.Sleep,
        () => ProcessEnd.Now(Interruption.ExitCode));
using PosixSignalRegistration pressed = Follow(PosixSignal.SIGINT), asked = Follow(PosixSignal.SIGTERM),
    hungUp = Follow(PosixSignal.SIGHUP);
using var output = new StreamWriter(StandardOutput.Open(),
    new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
Console.OutputEncoding = output.Encoding;
var console =
    new ToolConsole(output, Console.Error, IsTerminal: !Console.IsOutputRedirected && !Console.IsErrorRedirected)
{
    Interruption = interruption, In = Console.IsInputRedirected ? null : Console.In,
};
int code = await new Tool(console, new Workshop()).RunAsync(args, interruption.Token).ConfigureAwait(false);
if (interruption.Token.IsCancellationRequested || code == Tool.ClosedPipe)
    ProcessEnd.Now(code);
return code;

PosixSignalRegistration Follow(PosixSignal signal) => PosixSignalRegistration.Create(signal, received =>
{
    received.Cancel = true;
    interruption.Receive();
});

static void Answer(string line)
{
    try
    {
        Console.Error.WriteLine(Console.IsErrorRedirected ? line : ToolConsole.ClearBelow + line);
    }
    catch (IOException)
    {
        // Standard error is full or closed; the command ends anyway.
    }
}
