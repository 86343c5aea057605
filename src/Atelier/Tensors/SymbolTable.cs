using System.Runtime.InteropServices;
using System.Text;

namespace Atelier.Tensors;

/// <summary>
/// Reads the symbol table of a shared library, which includes symbols that it does not export (ELF-64, System V gABI
/// chapter 4).
/// </summary>
internal static class SymbolTable
{
    private const uint Magic = 0x464C457F; // "\x7FELF", read as a little-endian number
    private const byte Class64 = 2, LittleEndian = 1;
    private const int HeaderSize = 64, SectionSize = 64, SymbolSize = 24, MostSections = 4096;
    private const uint SymbolTableType = 2;

    /// <summary>Finds the address of a symbol, relative to the library's base address in memory.</summary>
    /// <param name="path">The path of the library.</param>
    /// <param name="name">The mangled name of the symbol.</param>
    /// <param name="size">The size of the symbol in bytes, which must match.</param>
    /// <returns>The offset; null if the file is not such a library or has no such symbol.</returns>
    public static long? Find(string path, string name, long size)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize
            || MemoryMarshal.Read<uint>(header) != Magic || header[4] != Class64 || header[5] != LittleEndian)
        {
            return null;
        }
        long start = MemoryMarshal.Read<long>(header[40..]);
        int count = MemoryMarshal.Read<ushort>(header[60..]);
        if (MemoryMarshal.Read<ushort>(header[58..]) != SectionSize || count > MostSections)
            return null;
        byte[] sections = Read(file, start, (long)count * SectionSize);
        if (sections.Length == 0)
            return null;
        for (int section = 0; section < count; section++)
        {
            ReadOnlySpan<byte> symbols = sections.AsSpan(section * SectionSize, SectionSize);
            if (MemoryMarshal.Read<uint>(symbols[4..]) != SymbolTableType)
                continue;
            int link = (int)MemoryMarshal.Read<uint>(symbols[40..]);
            if (link >= count)
                return null;
            long names = MemoryMarshal.Read<long>(sections.AsSpan((link * SectionSize) + 24));
            byte[] all = Read(file, MemoryMarshal.Read<long>(symbols[24..]), MemoryMarshal.Read<long>(symbols[32..]));
            return Find(file, all, names, name, size);
        }
        return null;
    }

    private static long? Find(FileStream file, ReadOnlySpan<byte> symbols, long names, string name, long size)
    {
        byte[] sought = [.. Encoding.ASCII.GetBytes(name), 0];
        for (; symbols.Length >= SymbolSize; symbols = symbols[SymbolSize..])
        {
            if (MemoryMarshal.Read<long>(symbols[16..]) == size
                && Read(file, names + MemoryMarshal.Read<uint>(symbols), sought.Length).AsSpan().SequenceEqual(sought))
            {
                return MemoryMarshal.Read<long>(symbols[8..]);
            }
        }
        return null;
    }

    /// <summary>Reads a range of the file; empty if the range is not within the file.</summary>
    private static byte[] Read(FileStream file, long at, long count)
    {
        if (at < 0 || count < 0 || at > file.Length - count)
            return [];
        var bytes = new byte[count];
        return RandomAccess.Read(file.SafeFileHandle, bytes, at) == count ? bytes : [];
    }
}
