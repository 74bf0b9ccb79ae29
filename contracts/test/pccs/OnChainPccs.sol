// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Stands in for Automata's on-chain PCCS: its router and its DAOs, as far as they are read.
/// @dev Interfaces: automata-network/automata-on-chain-pccs src/interfaces and
///      automata-network/automata-dcap-attestation evm/contracts/PCCSRouter.sol. Like the DAOs it
///      answers those who are listed, among them address zero, which is who calls without a sender.
contract OnChainPccs {
    enum CA {
        ROOT,
        PROCESSOR,
        PLATFORM,
        SIGNING
    }

    enum TcbId {
        SGX,
        TDX
    }

    struct TcbInfoJsonObj {
        string tcbInfoStr;
        bytes signature;
    }

    struct EnclaveIdentityJsonObj {
        string identityStr;
        bytes signature;
    }

    struct Certificate {
        bytes cert;
        bytes crl;
    }

    error Unauthorized_Caller(address caller);
    error Missing_Certificate(CA ca);
    error TcbEvalExpiredOrNotFound(TcbId id);

    uint32 private standard;
    uint32 private early;
    mapping(CA => Certificate) private certificates;
    mapping(bytes32 => TcbInfoJsonObj) private tcbInfos;
    mapping(bytes32 => EnclaveIdentityJsonObj) private identities;
    mapping(uint32 => address) public fmspcTcbDaoVersionedAddr;
    mapping(uint32 => address) public qeIdDaoVersionedAddr;

    modifier onlyListed() {
        if (msg.sender != address(0)) revert Unauthorized_Caller(msg.sender);
        _;
    }

    function pcsDaoAddr() external view returns (address) {
        return address(this);
    }

    function getStandardTcbEvaluationDataNumber(TcbId id) external view onlyListed returns (uint32) {
        if (standard == 0) revert TcbEvalExpiredOrNotFound(id);
        return standard;
    }

    function getEarlyTcbEvaluationDataNumber(TcbId id) external view onlyListed returns (uint32) {
        if (early == 0) revert TcbEvalExpiredOrNotFound(id);
        return early;
    }

    function getCertificateById(CA ca) external view onlyListed returns (bytes memory cert, bytes memory crl) {
        Certificate storage found = certificates[ca];
        if (found.cert.length == 0) revert Missing_Certificate(ca);
        return (found.cert, found.crl);
    }

    function getTcbInfo(uint256 tcbType, string calldata fmspc, uint256 version)
        external
        view
        onlyListed
        returns (TcbInfoJsonObj memory)
    {
        return tcbInfos[keccak256(abi.encode(tcbType, fmspc, version))];
    }

    function getEnclaveIdentity(uint256 id, uint256 version)
        external
        view
        onlyListed
        returns (EnclaveIdentityJsonObj memory)
    {
        return identities[keccak256(abi.encode(id, version))];
    }

    function setEvaluation(uint32 newStandard, uint32 newEarly) external {
        (standard, early) = (newStandard, newEarly);
    }

    /// @notice The DAOs of an evaluation number; for tests this contract is all of them.
    function setDaos(uint32 evaluation, address tcb, address identity) external {
        fmspcTcbDaoVersionedAddr[evaluation] = tcb;
        qeIdDaoVersionedAddr[evaluation] = identity;
    }

    function setCertificate(CA ca, bytes calldata cert, bytes calldata crl) external {
        certificates[ca] = Certificate(cert, crl);
    }

    function setTcbInfo(uint256 tcbType, string calldata fmspc, uint256 version, TcbInfoJsonObj calldata value)
        external
    {
        tcbInfos[keccak256(abi.encode(tcbType, fmspc, version))] = value;
    }

    function setEnclaveIdentity(uint256 id, uint256 version, EnclaveIdentityJsonObj calldata value) external {
        identities[keccak256(abi.encode(id, version))] = value;
    }
}
