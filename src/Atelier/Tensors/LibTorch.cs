using System.Diagnostics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>The tensor library's own file, and settings of its that TorchSharp has no call for.</summary>
internal static unsafe class LibTorch
{
    private const string ContextSymbol = "_ZN2at13globalContextEv"; // at::globalContext()

    /// <summary>The tensor library's file for CPUs, and where it lies in memory.</summary>
    public static (string Path, nint Start) File()
    {
        _ = get_num_threads(); // loads it
        using var self = Process.GetCurrentProcess();
        ProcessModule module = self.Modules.Cast<ProcessModule>()
            .First(m => Path.GetFileNameWithoutExtension(m.ModuleName) is "libtorch_cpu" or "torch_cpu");
        return (module.FileName, module.BaseAddress);
    }

    /// <summary>Switches something off for the whole process.</summary>
    /// <param name="symbol">The method of at::Context, with one truth value, as the linker knows it.</param>
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
