using System.Buffers.Binary;

namespace Atelier.Kernels.Gemm;

/// <summary>A general register of x64, by its number in instructions.</summary>
internal enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rsi = 6,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}

/// <summary>A place in memory: base + index · scale + offset.</summary>
/// <param name="Base">Not r12, whose encoding is another's.</param>
/// <param name="Offset">Bytes.</param>
/// <param name="Index">Or null.</param>
/// <param name="Scale">1, 2, 4 or 8.</param>
internal readonly record struct Address(Register Base, int Offset = 0, Register? Index = null, int Scale = 1);

/// <summary>
/// The few instructions of x64, AVX-512 and AMX that <see cref="GemmMicrokernel"/> and <see cref="TileMicrokernel"/>
/// are made of, as bytes (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, sections 2.1, 2.3 and
/// 2.7). Vector registers are zmm0 to zmm31, tile registers tmm0 to tmm7.
/// </summary>
internal sealed class Assembler
{
    private const int NoPrefix = 0, Prefix66 = 1, PrefixF3 = 2, PrefixF2 = 3; // the field pp
    private const int Map0F = 1, Map0F38 = 2; // the field mm
    private readonly List<byte> _code = [];

    /// <summary>Bytes so far: the place of the next instruction.</summary>
    public int Position => _code.Count;

    /// <summary>What was written.</summary>
    public byte[] Code => [.. _code];

    /// <summary>to = what lies there, 64 bits.</summary>
    public void Load(Register to, Address from) => General(0x8B, (int)to, from);

    /// <summary>What lies there = from, 64 bits.</summary>
    public void Store(Address to, Register from) => General(0x89, (int)from, to);

    /// <summary>to = the address.</summary>
    public void LoadAddress(Register to, Address of) => General(0x8D, (int)to, of);

    /// <summary>to += from.</summary>
    public void Add(Register to, Register from)
    {
        Emit((byte)(0x48 | (((int)from >> 3) << 2) | ((int)to >> 3)), 0x01);
        Emit((byte)(0xC0 | (((int)from & 7) << 3) | ((int)to & 7)));
    }

    /// <summary>to += a number of 32 bits.</summary>
    public void AddNumber(Register to, int number)
    {
        Emit((byte)(0x48 | ((int)to >> 3)), 0x81, (byte)(0xC0 | ((int)to & 7)));
        Number(number);
    }

    /// <summary>to = from, 64 bits.</summary>
    public void Move(Register to, Register from) =>
        Emit((byte)(0x48 | (((int)from >> 3) << 2) | ((int)to >> 3)), 0x89,
            (byte)(0xC0 | (((int)from & 7) << 3) | ((int)to & 7)));

    /// <summary>to = 0.</summary>
    public void Clear(Register to) =>
        Emit((byte)(0x48 | (((int)to >> 3) << 2) | ((int)to >> 3)), 0x31,
            (byte)(0xC0 | (((int)to & 7) << 3) | ((int)to & 7)));

    /// <summary>Takes one off, 64 bits, and notes whether nothing is left.</summary>
    public void Decrement(Register of) => Emit((byte)(0x48 | ((int)of >> 3)), 0xFF, (byte)(0xC8 | ((int)of & 7)));

    /// <summary>The same in memory.</summary>
    public void Decrement(Address of) => General(0xFF, 1, of);

    /// <summary>Goes back to an earlier place unless nothing was left.</summary>
    public void JumpBackUnlessZero(int position)
    {
        Emit(0x0F, 0x85);
        Number(position - (Position + 4));
    }

    /// <summary>Sixteen numbers in fp32: to = what lies there.</summary>
    public void LoadVector(int to, Address from) => Vector(Map0F, NoPrefix, 0x10, to, 0, from);

    /// <summary>What lies there = sixteen numbers in fp32.</summary>
    public void StoreVector(Address to, int from) => Vector(Map0F, NoPrefix, 0x11, from, 0, to);

    /// <summary>to = from.</summary>
    public void Move(int to, int from) => Vector(Map0F, NoPrefix, 0x10, to, 0, from);

    /// <summary>All of to = the one fp32 number there.</summary>
    public void Broadcast(int to, Address from) => Vector(Map0F38, Prefix66, 0x18, to, 0, from);

    /// <summary>to += what lies there, fp32.</summary>
    public void AddVector(int to, Address from) => Vector(Map0F, NoPrefix, 0x58, to, to, from);

    /// <summary>
    /// Each fp32 number of to += the products of the two bf16 numbers of x and y in its place (vdpbf16ps).
    /// </summary>
    public void AddProducts(int to, int x, int y) => Vector(Map0F38, PrefixF3, 0x52, to, x, y);

    /// <summary>
    /// The lower half of to = the register's numbers in bf16, rounded to the nearest (vcvtneps2bf16).
    /// </summary>
    public void Round(int to, int from) => Vector(Map0F38, PrefixF3, 0x72, to, 0, from);

    /// <summary>What lies there = the lower half of a register.</summary>
    public void StoreHalf(Address to, int from) => Vector(Map0F, NoPrefix, 0x11, from, 0, to, bits: 256);

    /// <summary>Sets the shapes of tiles (ldtilecfg).</summary>
    public void LoadTileShapes(Address from) => Tile(NoPrefix, 0x49, 0, from);

    /// <summary>to = what lies there, a row after each distance that the index holds (tileloadd).</summary>
    public void LoadTile(int to, Address from) => Tile(PrefixF2, 0x4B, to, from);

    /// <summary>What lies there, a row after each distance that the index holds, = from (tilestored).</summary>
    public void StoreTile(Address to, int from) => Tile(PrefixF3, 0x4B, from, to);

    /// <summary>
    /// The fp32 numbers of to += the products of the bf16 numbers of x's rows and y's columns (tdpbf16ps).
    /// </summary>
    public void AddTileProducts(int to, int x, int y)
    {
        Vex(PrefixF3, y, 0, 0);
        Emit(0x5C, (byte)(0xC0 | (to << 3) | x));
    }

    /// <summary>Ends the use of tiles (tilerelease).</summary>
    public void ReleaseTiles()
    {
        Vex(NoPrefix, 0, 0, 0);
        Emit(0x49, 0xC0);
    }

    /// <summary>Ends the use of the wide registers, and the function.</summary>
    public void Return() => Emit(0xC5, 0xF8, 0x77, 0xC3); // vzeroupper, ret

    private void General(byte operation, int register, Address place)
    {
        int index = place.Index is { } i ? (int)i : 0;
        Emit((byte)(0x48 | ((register >> 3) << 2) | ((index >> 3) << 1) | ((int)place.Base >> 3)), operation);
        Place(register, place);
    }

    private void Vector(int map, int prefix, byte operation, int register, int second, Address place, int bits = 512)
    {
        int index = place.Index is { } i ? (int)i : 0;
        Evex(map, prefix, register, second, (int)place.Base >> 3, index >> 3, bits);
        Emit(operation);
        Place(register, place);
    }

    private void Vector(int map, int prefix, byte operation, int register, int second, int third)
    {
        Evex(map, prefix, register, second, (third >> 3) & 1, third >> 4, 512);
        Emit(operation, (byte)(0xC0 | ((register & 7) << 3) | (third & 7)));
    }

    /// <summary>
    /// The prefix of AVX-512's instructions, whose register bits are written inverted (section 2.7.1).
    /// </summary>
    private void Evex(int map, int prefix, int register, int second, int baseHigh, int indexHigh, int bits)
    {
        int high = (((register >> 3) & 1) << 7) | (indexHigh << 6) | (baseHigh << 5) | ((register >> 4) << 4);
        Emit(0x62, (byte)((high ^ 0xF0) | map), (byte)(((~second & 0xF) << 3) | 4 | prefix));
        Emit((byte)(((bits == 512 ? 2 : 1) << 5) | ((second < 16 ? 1 : 0) << 3)));
    }

    private void Tile(int prefix, byte operation, int tile, Address place)
    {
        Vex(prefix, 0, (int)place.Base >> 3, place.Index is { } index ? (int)index >> 3 : 0);
        Emit(operation);
        Place(tile, place);
    }

    /// <summary>
    /// The prefix of three bytes of the map 0F38, whose register bits are written inverted (section 2.3.5).
    /// </summary>
    private void Vex(int prefix, int second, int baseHigh, int indexHigh) =>
        Emit(0xC4, (byte)(((1 << 7) | (((~indexHigh) & 1) << 6) | (((~baseHigh) & 1) << 5)) | Map0F38),
            (byte)(((~second & 0xF) << 3) | prefix));

    /// <summary>The bytes of a memory operand, always with an offset of 32 bits.</summary>
    private void Place(int register, Address place)
    {
        int field = (register & 7) << 3;
        if (place.Index is { } index)
            Emit((byte)(0x84 | field),
                (byte)((int.Log2(place.Scale) << 6) | (((int)index & 7) << 3) | ((int)place.Base & 7)));
        else
            Emit((byte)(0x80 | field | ((int)place.Base & 7)));
        Number(place.Offset);
    }

    private void Number(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }

    private void Emit(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);
}
