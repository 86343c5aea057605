using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>Identifies this machine in stored measurements and checks.</summary>
internal static class Machine
{
    private const int VersionLeaf = 1;

    /// <summary>The processor's name, as the operating system reports it.</summary>
    public static string Processor { get; } = ReadProcessor();

    /// <summary>The processor's family, model and stepping, because hypervisors may hide its name.</summary>
    public static string Signature { get; } = X86Base.IsSupported
        ? X86Base.CpuId(VersionLeaf, 0).Eax.ToString("x", CultureInfo.InvariantCulture)
        : RuntimeInformation.ProcessArchitecture.ToString();

    private static string ReadProcessor()
    {
        const string cpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(cpuInfo)
            ? File.ReadLines(cpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
