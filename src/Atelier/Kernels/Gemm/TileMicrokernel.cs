using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>The arguments of a tile microkernel: consecutive fields of eight bytes each.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TileWork
{
    /// <summary>The shapes of the tile registers: 64 bytes, as the instruction ldtilecfg reads them.</summary>
    public byte* Shapes;

    /// <summary>The first number of A. Moves on with the blocks.</summary>
    public byte* A;

    /// <summary>Bytes from one row of A to the next.</summary>
    public long ARow;

    /// <summary>Bytes from one block of A to the next.</summary>
    public long ABlock;

    /// <summary>The first two rows of B, as in <see cref="Panels"/>.</summary>
    public byte* B;

    /// <summary>Bytes from one pair of rows of B to the next.</summary>
    public long BPair;

    /// <summary>Bytes from one tile of B to the next below it.</summary>
    public long BTile;

    /// <summary>The first row of C. Moves on with the blocks.</summary>
    public byte* C;

    /// <summary>Bytes from one row of C to the next.</summary>
    public long CRow;

    /// <summary>Bytes from one block of C to the next.</summary>
    public long CBlock;

    /// <summary>The numbers that the sums of each row begin with, fp32; not for sums that are added to C.</summary>
    public float* Start;

    /// <summary>Whole tiles of A in a row, from 1.</summary>
    public long Tiles;

    /// <summary>The number of blocks of rows, from 1. Counted down.</summary>
    public long Blocks;

    /// <summary>The number of rows of a block.</summary>
    public long Rows;

    /// <summary>Room for a block of sums in fp32 that are to be rounded.</summary>
    public byte* Room;

    /// <summary>Bytes from one row of the room to the next.</summary>
    public long RoomRow;
}

/// <summary>
/// Sums of products of bf16 numbers in fp32 by the tile registers of AMX (Intel 64 and IA-32 Architectures Software
/// Developer's Manual, volume 1, chapter 18): a block of up to sixteen rows of C by up to four registers of columns
/// stays in four tiles, while a tile of A after another, sixteen rows of 32 numbers, is multiplied by tiles of B.
/// </summary>
internal static unsafe class TileMicrokernel
{
    /// <summary>The most rows of a block.</summary>
    public const int MostRows = 16;

    /// <summary>The number of pairs of columns of a tile of A, and of pairs of rows of a tile of B.</summary>
    public const int PairsOfTile = 16;

    private const int TileOfA = 4, TileOfB = 5, RestOfA = 6, RestOfB = 7, RegisterBytes = 64, Outputs = 3,
        MostRegisters = GemmMicrokernel.MostRegisters;
    private static readonly nint[] Functions = Make();

    /// <summary>Whether this processor and system can execute it.</summary>
    public static bool IsSupported { get; } = Functions.Length > 0;

    /// <summary>Computes all rows of C for some depth of a panel of B.</summary>
    /// <param name="a">A, row by row.</param>
    /// <param name="pair">The first pair of columns of A.</param>
    /// <param name="pairs">The number of pairs, at least <see cref="PairsOfTile"/>.</param>
    /// <param name="panel">The panel, from that pair of rows on.</param>
    /// <param name="columns">The columns of the panel.</param>
    /// <param name="start">What each row of sums begins with; ignored for sums that are added to C.</param>
    /// <param name="output">What becomes of the sums.</param>
    /// <param name="c">The first number of C.</param>
    /// <param name="cRow">Bytes from one row of C to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in LeftFactor a, int pair, int pairs, uint* panel, int columns, float* start,
        GemmOutput output, byte* c, long cRow)
    {
        int registers = columns / Bf16.Lanes, rest = pairs % PairsOfTile;
        byte* room = stackalloc byte[MostRows * MostRegisters * RegisterBytes], shapes = stackalloc byte[64];
        long bPair = columns * sizeof(uint);
        var work = new TileWork
        {
            Shapes = shapes, A = a.Data + (pair * a.Pair), ARow = a.Row, ABlock = a.Row * MostRows, B = (byte*)panel,
            BPair = bPair, BTile = bPair * PairsOfTile, C = c, CRow = cRow, CBlock = cRow * MostRows, Start = start,
            Tiles = pairs / PairsOfTile, Blocks = a.Count / MostRows, Rows = MostRows, Room = room,
            RoomRow = MostRegisters * RegisterBytes,
        };
        var function =
            (delegate* unmanaged<TileWork*, void>)Functions[Index(registers, output, rest > 0)];
        if (work.Blocks > 0)
        {
            Shape(shapes, MostRows, rest);
            function(&work);
        }
        if (a.Count % MostRows == 0)
            return;
        (work.Blocks, work.Rows) = (1, a.Count % MostRows);
        Shape(shapes, (int)work.Rows, rest);
        function(&work);
    }

    /// <summary>Writes the shapes of tiles: of sums, of A and B, and of the rest of a row of A and of B.</summary>
    private static void Shape(byte* shapes, int rows, int rest)
    {
        new Span<byte>(shapes, 64).Clear();
        shapes[0] = 1; // the palette
        for (int tile = 0; tile <= (rest == 0 ? TileOfB : RestOfB); tile++) // one that is not used has the shape 0
        {
            bool isB = tile is TileOfB or RestOfB;
            ((ushort*)(shapes + 16))[tile] = (ushort)(tile == RestOfA ? rest * sizeof(uint) : RegisterBytes);
            shapes[48 + tile] = (byte)(!isB ? rows : tile == RestOfB ? rest : PairsOfTile);
        }
    }

    private static int Index(int registers, GemmOutput output, bool hasRest) =>
        ((((int)output * MostRegisters) + registers - 1) * 2) + (hasRest ? 1 : 0);

    private static nint[] Make()
    {
        if (!GemmMicrokernel.IsSupported || !Instructions.HasAmxBf16 || !MachineCode.RequestTiles())
            return [];
        var assembler = new Assembler();
        var places = new int[Outputs * MostRegisters * 2];
        foreach (GemmOutput output in Enum.GetValues<GemmOutput>())
        {
            for (int registers = 1; registers <= MostRegisters; registers++)
            {
                foreach (bool hasRest in (ReadOnlySpan<bool>)[false, true])
                {
                    places[Index(registers, output, hasRest)] = assembler.Position;
                    Write(assembler, registers, output, hasRest);
                }
            }
        }
        nint start = MachineCode.Publish(assembler.Code);
        return start == 0 ? [] : [.. places.Select(place => start + place)];
    }

    /// <summary>One function: rdi holds the address of its <see cref="TileWork"/>.</summary>
    private static void Write(Assembler to, int registers, GemmOutput output, bool hasRest)
    {
        const Register work = Register.Rdi, a = Register.Rax, aRow = Register.Rdx, b = Register.Rcx,
            bPair = Register.R9, bTile = Register.R11, count = Register.R10, row = Register.R8;
        // where those of the same names are not needed
        const Register c = Register.Rax, sums = Register.Rcx, cRow = Register.Rsi;
        Address Field(string name) => new(work, (int)Marshal.OffsetOf<TileWork>(name));
        void Products(int tileOfA, int tileOfB)
        {
            to.LoadTile(tileOfA, new Address(a, 0, aRow));
            for (int register = 0; register < registers; register++)
            {
                to.LoadTile(tileOfB, new Address(b, register * RegisterBytes, bPair));
                to.AddTileProducts(register, tileOfA, tileOfB);
            }
        }

        to.Load(a, Field(nameof(TileWork.Shapes)));
        to.LoadTileShapes(new Address(a));
        to.Load(aRow, Field(nameof(TileWork.ARow)));
        to.Load(bPair, Field(nameof(TileWork.BPair)));
        to.Load(bTile, Field(nameof(TileWork.BTile)));
        to.Load(cRow, Field(nameof(TileWork.CRow)));
        int block = to.Position;
        to.Load(c, Field(output == GemmOutput.Added ? nameof(TileWork.C) : nameof(TileWork.Start)));
        if (output == GemmOutput.Added)
            to.Move(row, cRow);
        else
            to.Clear(row); // the same numbers for every row
        for (int register = 0; register < registers; register++)
            to.LoadTile(register, new Address(c, register * RegisterBytes, row));
        to.Load(a, Field(nameof(TileWork.A)));
        to.Load(b, Field(nameof(TileWork.B)));
        to.Load(count, Field(nameof(TileWork.Tiles)));

        int tile = to.Position;
        Products(TileOfA, TileOfB);
        to.AddNumber(a, RegisterBytes);
        to.Add(b, bTile);
        to.Decrement(count);
        to.JumpBackUnlessZero(tile);
        if (hasRest)
            Products(RestOfA, RestOfB);

        to.Load(c, Field(nameof(TileWork.C)));
        if (output == GemmOutput.Bf16)
        {
            to.Load(sums, Field(nameof(TileWork.Room)));
            to.Load(row, Field(nameof(TileWork.RoomRow)));
            for (int register = 0; register < registers; register++)
                to.StoreTile(new Address(sums, register * RegisterBytes, row), register);
            to.Load(count, Field(nameof(TileWork.Rows)));
            int rounding = to.Position;
            for (int register = 0; register < registers; register++)
            {
                to.LoadVector(register, new Address(sums, register * RegisterBytes));
                to.Round(register, register);
                to.StoreHalf(new Address(c, register * RegisterBytes / 2), register);
            }
            to.Add(sums, row);
            to.Add(c, cRow);
            to.Decrement(count);
            to.JumpBackUnlessZero(rounding);
        }
        else
        {
            for (int register = 0; register < registers; register++)
                to.StoreTile(new Address(c, register * RegisterBytes, cRow), register);
        }
        foreach ((string place, string step) in (ReadOnlySpan<(string, string)>)
            [(nameof(TileWork.A), nameof(TileWork.ABlock)), (nameof(TileWork.C), nameof(TileWork.CBlock))])
        {
            to.Load(a, Field(place));
            to.Load(count, Field(step));
            to.Add(a, count);
            to.Store(Field(place), a);
        }
        to.Decrement(Field(nameof(TileWork.Blocks)));
        to.JumpBackUnlessZero(block);
        to.ReleaseTiles();
        to.Return();
    }
}
