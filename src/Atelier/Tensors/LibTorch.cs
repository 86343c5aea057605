using System.Diagnostics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>Locates the tensor library's file, and changes settings for which TorchSharp has no method.</summary>
internal static unsafe class LibTorch
{
    private const string ContextSymbol = "_ZN2at13globalContextEv"; // at::globalContext()

    /// <summary>Returns the path of the tensor library for CPUs, and its base address in memory.</summary>
    public static (string Path, nint Start) File()
    {
        _ = get_num_threads(); // loads the library
        using var self = Process.GetCurrentProcess();
        ProcessModule module = self.Modules.Cast<ProcessModule>()
            .First(m => Path.GetFileNameWithoutExtension(m.ModuleName) is "libtorch_cpu" or "torch_cpu");
        return (module.FileName, module.BaseAddress);
    }

    /// <summary>Switches a feature off for the whole process.</summary>
    /// <param name="symbol">The mangled name of a method of at::Context that takes one bool.</param>
    /// <returns>Whether the library has such a method.</returns>
    public static bool SwitchOff(string symbol)
    {
        nint library = NativeLibrary.Load(File().Path);
        if (!NativeLibrary.TryGetExport(library, ContextSymbol, out nint context)
            || !NativeLibrary.TryGetExport(library, symbol, out nint enable))
        {
            return false;
        }
        ((delegate* unmanaged<nint, byte, void>)enable)(((delegate* unmanaged<nint>)context)(), 0);
        return true;
    }
}
